"""Words of a lyric line, lower-case, with their place in the line."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

# Curly, modifier, prime, grave, acute, reversed and full-width forms that typists use for an apostrophe.
_APOSTROPHES = dict.fromkeys(map(ord, "‘’‛ʼʹ′`´＇"), "'")

# Python's \w leaves out combining marks, which would split Hindi, vocalised Arabic and decomposed accents.
MARKS = "".join(chr(code) for code in range(0x300, 0x1E00) if unicodedata.category(chr(code)) in {"Mn", "Mc"})
_LETTERS = rf"[^\W_{MARKS}](?:[^\W_]++|[{MARKS}]++)*+"

# `$` and `*` count inside a word only ("a$ap", "sh*t"); thousands keep their commas until the token is made.
_WORD = re.compile(rf"'?(?:\d{{1,3}}(?:,\d{{3}})+(?!\d)|{_LETTERS}(?:['$*]+{_LETTERS})*)'?")

# Words that begin with an apostrophe; before any other word an apostrophe is an opening quote.
_CLIPPED = (
    "'em 'til 'till 'cause 'cuz 'coz 'bout 'round 'fore 'nother 'nuff 'n 'gainst 'neath 'tis 'twas 'tude 'round "
    "'ey 'ight 'ite 'while 'hood 'bove 'lac 'gram 'preciate 'member 'fraid 'cept 'less 'stead 'sup 'scuse"
)
_CLIPPED_FRONT = frozenset(_CLIPPED.split())


class Token(NamedTuple):
    """A word and the half-open range of characters that it covers in its line."""

    text: str
    start: int
    end: int


def straighten(text: str) -> str:
    """Replace every kind of apostrophe by `'`; the length and all offsets stay the same."""
    return text.translate(_APOSTROPHES)


def spans(line: str) -> list[Token]:
    """Return the tokens of a line with their offsets, in order.

    Apostrophes that belong to a word stay (runnin', 'em, don't); quotation marks do not. A hyphen separates words.
    """
    tokens: list[Token] = []
    quote_is_open = False
    for match in _WORD.finditer(straighten(line)):
        word, (start, end) = match.group().lower(), match.span()
        if word[0] == "'" and word not in _CLIPPED_FRONT and word.rstrip("'") not in _CLIPPED_FRONT:
            word, start, quote_is_open = word[1:], start + 1, True
        if word[-1] == "'" and (quote_is_open and not word.endswith("in'")):
            word, end, quote_is_open = word[:-1], end - 1, False
        tokens.append(Token(word.replace(",", ""), start, end))
    return tokens


def words(line: str) -> list[str]:
    """Return the lower-case words of a line: "Runnin’ the 99-Mile" gives runnin', the, 99, mile."""
    return [token.text for token in spans(line)]
