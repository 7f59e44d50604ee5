import pytest

from server.authentication.json_path import MISSING, parse_json_path

DOCUMENT = {
    "user": {"id": "7", "all_roles": ["user", "editor"], "a.b": {"c-d": 1}, "it's": True, "none": None},
    "https://example.com/claims": {"x": "y"},
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$", DOCUMENT),
        ("$.user.id", "7"),
        ("$.user.all_roles[1]", "editor"),
        ("$.user['a.b'].c-d", 1),
        ('$["https://example.com/claims"].x', "y"),
        ('$."https://example.com/claims"."x"', "y"),
        (r"$.user['it\'s']", True),
        ("$.user.none", None),
    ],
)
def test_path_finds_the_value(path: str, expected: object) -> None:
    assert parse_json_path(path).find(DOCUMENT) == expected


@pytest.mark.parametrize(
    "path", ["$.nobody", "$.user.id.more", "$.user.all_roles[2]", "$.user[0]", "$.user.all_roles.x"]
)
def test_path_to_nothing_finds_nothing(path: str) -> None:
    assert parse_json_path(path).find(DOCUMENT) is MISSING


@pytest.mark.parametrize(
    "path", ["user", "", "$user", "$.", "$..id", "$.*", "$.a[*]", "$.a[?(@.x)]", "$.a[-1]", "$.a["]
)
def test_path_that_is_not_understood_is_named(path: str) -> None:
    with pytest.raises(ValueError, match="the JSON path"):
        parse_json_path(path)
