"""A lexer for graphql-core's parser that reads names and punctuation, nearly all of a document, by one pattern.

The library's own looks at each character in turn, which is half of what parsing takes. Whatever else there is
(strings, numbers, comments, what is no token at all) it reads as ever. Parsers take a lexer of one's own by their
`lexer` argument.
"""

import re
from typing import Final

from graphql import Lexer, Token, TokenKind

#: What is ignored (https://spec.graphql.org/October2021/#sec-Language.Source-Text.Ignored-Tokens) but comments, then a
#: name, or a punctuator of one character.
_NEXT: Final = re.compile("[ \\t,\\r\\n\\ufeff]*(?:([A-Za-z_][A-Za-z0-9_]*)|([!$&():=@\\[\\]{|}]))")
_NAME: Final = 1
_PUNCTUATORS: Final = {
    kind.value: kind
    for kind in (
        *(TokenKind.BANG, TokenKind.DOLLAR, TokenKind.AMP, TokenKind.PAREN_L, TokenKind.PAREN_R, TokenKind.COLON),
        *(TokenKind.EQUALS, TokenKind.AT, TokenKind.BRACKET_L, TokenKind.BRACKET_R, TokenKind.BRACE_L),
        *(TokenKind.PIPE, TokenKind.BRACE_R),
    )
}


class QuickLexer(Lexer):
    """For parsing without locations: tokens don't tell their lines. Errors find theirs by offsets."""

    def advance(self) -> Token:
        """The next token that is no comment."""
        token = self.token
        if token.next is not None:
            return super().advance()
        found = _NEXT.match(self.source.body, token.end)
        if found is None:
            return super().advance()
        group = found.lastindex
        assert group is not None, "one of the two has matched"
        text = found[group]
        start, end = found.span(group)
        self.last_token = token
        # Not linked to the one before: nobody goes back, and the parser is freed with all its tokens at once.
        if group == _NAME:
            token = Token(TokenKind.NAME, start, end, 1, 1, text)
        else:
            token = Token(_PUNCTUATORS[text], start, end, 1, 1)
        self.token = token
        return token
