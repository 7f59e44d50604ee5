"""The quick lexer makes parsers say what they say with graphql-core's own, of documents whole and damaged."""

import random
from typing import Any

from graphql import GraphQLError, Source, parse
from graphql.language.parser import Parser

from resolvers.lexer import QuickLexer
from tests.golden.case import case_files, read_case

#: What damages a document: every kind of token and of character that a lexer looks at.
_PIECES = [*"{}()[]!$:=@|&.\"'#-019eE_azA \t\r\n,\ufeffé\ud83d\x00", '"""', "...", "on ", "#x\n", "{ }", "\r\n"]
_DAMAGED = 4_000


def said(parsed: Any) -> Any:
    """The tree, or the error with where it is."""
    try:
        return parsed().to_dict()
    except GraphQLError as error:
        return error.message, [(place.line, place.column) for place in error.locations or ()]


def as_ever(text: str) -> Any:
    return said(lambda: parse(text, no_location=True, max_tokens=300, allow_empty_selection_sets=False))


def quickly(text: str) -> Any:
    lexer = QuickLexer(Source(text))
    parser = Parser(text, no_location=True, max_tokens=300, allow_empty_selection_sets=False, lexer=lexer)
    return said(parser.parse_document)


def test_documents_have_the_same_tree() -> None:
    for path in case_files():
        text = read_case(path).query
        assert quickly(text) == as_ever(text), path


def test_damaged_documents_have_the_same_tree_or_the_same_error_at_the_same_place() -> None:
    chance = random.Random(20)  # noqa: S311 - damage that is the same each time, no secret
    documents = [read_case(path).query for path in case_files()[::20]]
    errors = 0
    for _ in range(_DAMAGED):
        text = chance.choice(documents)
        for _ in range(chance.randrange(1, 4)):
            place = chance.randrange(len(text) + 1)
            text = text[:place] + chance.choice(_PIECES) + text[place + chance.randrange(3) :]
        expected = as_ever(text)
        errors += isinstance(expected, tuple)
        assert quickly(text) == expected, text
    assert _DAMAGED / 10 < errors < _DAMAGED * 9 / 10, "some of either kind"


def test_comments_count_among_the_tokens_that_a_document_may_have() -> None:
    text = "{ a" + "\n# b" * 300 + "\n}"
    assert quickly(text) == as_ever(text)
    assert "more than 300 tokens" in quickly(text)[0]
