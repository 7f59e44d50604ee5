"""docs/graphql.md says which codes an operation refuses with; clients are written by that."""

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pytest

from resolvers.operations import HAND_WRITTEN, error_codes
from resolvers.role_schema import HandWritten

ROOT = Path(__file__).resolve().parents[3]
_, _, _SECTION = (ROOT / "docs" / "graphql.md").read_text().partition("\n## Operations\n")


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """What the page says of an operation."""

    who: str
    codes: frozenset[str]


_TABLE = re.findall(r"^\| (`[a-z_`, ]+`) \|([^|]+)\|(.*)\|$", _SECTION.partition("\n## ")[0], re.MULTILINE)
ROWS = {
    name: Row(who=who, codes=frozenset(re.findall(r"`([a-z-]+)`", codes)))
    for names, who, codes in _TABLE
    for name in re.findall(r"[a-z_]+", names)
}
NAMES = [operation.field.graphql_name for operation in HAND_WRITTEN]
ENUMS: dict[str, type[StrEnum]] = {name: enum for name, enum in vars(error_codes).items() if name.endswith("Code")}


def codes_in(source: str) -> set[str]:
    """The codes that a module's text refuses with, but for the one that each operation may answer."""
    named = {ENUMS[enum][member].value for enum, member in re.findall(r"\b([A-Z]\w+Code)\.([A-Z_]+)", source)}
    return (named | set(re.findall(r'GraphQLRequestError\(\s*"([a-z-]+)"', source))) - {"validation-failed"}


@pytest.mark.parametrize("operation", HAND_WRITTEN, ids=NAMES)
def test_the_page_says_who_may_call_an_operation(operation: HandWritten) -> None:
    said = set(re.findall(r"[a-z]+", ROWS[operation.field.graphql_name].who.partition(":")[0])) - {"admin"}
    assert said == operation.roles - {"admin"}


def test_the_page_has_every_operation_and_no_other() -> None:
    assert sorted(ROWS) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_page_says_with_which_codes_an_operation_refuses(name: str) -> None:
    module = ROOT / "resolvers" / "operations" / f"{name}.py"
    if module.is_file():
        assert codes_in(module.read_text()) <= ROWS[name].codes


@pytest.mark.parametrize("code", sorted({code.value for codes in ENUMS.values() for code in codes}))
def test_every_code_is_on_the_page(code: str) -> None:
    assert f"`{code}`" in _SECTION
