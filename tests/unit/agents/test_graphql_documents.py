"""Documents as files, and several mutations as one."""

import uuid
from pathlib import Path

import pytest
from graphql import GraphQLSyntaxError, parse

from agents.graphql.combination import combine
from agents.graphql.documents import Document, DocumentError, load_documents
from agents.graphql.operations import Mutation


def write(folder: Path, text: str) -> Path:
    path = folder / "operations.graphql"
    path.write_text(text, encoding="utf-8")
    return path


def mutation(text: str, **variables: object) -> Mutation:
    name = text.split()[1].partition("(")[0]
    return Mutation(document=Document(name=name, kind="mutation", text=text), variables=variables)


def test_a_file_gives_its_operations_by_name(tmp_path: Path) -> None:
    documents = load_documents(
        write(
            tmp_path,
            "# why\nquery A($id: uuid!) { t_by_pk(id: $id) { id } }\nmutation B { insert_t_one(object: {}) { id } }",
        )
    )

    assert {name: document.kind for name, document in documents.items()} == {"A": "query", "B": "mutation"}
    assert documents["A"].text.startswith("query A($id: uuid!) {")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{ t { id } }", "only named operations"),
        ("subscription S { t { id } }", "subscription S"),
        ("query A { t { id } } query A { t { id } }", "two operations are called A"),
        ("fragment F on t { id }", "fragment F"),
        ("type T { id: Int }", "only named operations"),
    ],
)
def test_what_cannot_stand_alone_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DocumentError, match=said):
        load_documents(write(tmp_path, text))


def test_broken_graphql_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GraphQLSyntaxError):
        load_documents(write(tmp_path, "query A {"))


def test_combined_mutations_keep_their_order_and_share_no_name() -> None:
    one = mutation("mutation A($id: uuid!) { insert_t_one(object: {id: $id}) { id } }", id=1)
    two = mutation(
        "mutation B($id: uuid!, $n: Int = 3) { again: insert_t_one(object: {id: $id, n: [$n]}) { id } }", id=2, n=4
    )

    combined = combine([one, two, one])

    assert combined.variables == {"id_0": 1, "id_1": 2, "n_1": 4, "id_2": 1}
    assert combined.document.name == "A_B_A"
    expected = """
        mutation A_B_A($id_0: uuid!, $id_1: uuid!, $n_1: Int = 3, $id_2: uuid!) {
          insert_t_one_0: insert_t_one(object: {id: $id_0}) { id }
          again_1: insert_t_one(object: {id: $id_1, n: [$n_1]}) { id }
          insert_t_one_2: insert_t_one(object: {id: $id_2}) { id }
        }"""
    assert parse(combined.document.text, no_location=True) == parse(expected, no_location=True)


def test_equal_mutations_give_equal_text_whatever_their_values() -> None:
    text = "mutation A($id: uuid!) { delete_t_by_pk(id: $id) { id } }"

    first, second = (combine([mutation(text, id=uuid.uuid4())]) for _ in range(2))

    assert first.document is second.document


def test_a_single_mutation_may_use_a_directive_and_a_variable_twice() -> None:
    text = "mutation A($x: Int!, $on: Boolean!) { a(x: $x) @include(if: $on) { id } b(x: $x) { id } }"

    combined = combine([mutation(text, x=1, on=True)])

    assert combined.document.text.count("$x_0") == 3
    assert "a_0: a(x: $x_0) @include(if: $on_0)" in combined.document.text


@pytest.mark.parametrize(
    "text",
    ["query A { t { id } }", "mutation A { ... on mutation_root { delete_t(where: {}) { affected_rows } } }"],
)
def test_what_is_no_plain_mutation_is_not_combined(text: str) -> None:
    with pytest.raises(DocumentError):
        combine([mutation(text)])


def test_nothing_is_not_a_mutation() -> None:
    with pytest.raises(ValueError, match="nothing to combine"):
        combine([])
