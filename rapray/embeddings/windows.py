"""Splits a text that is longer than a model's window, losing nothing.

Does not know the tokenizer: it is handed a function that counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

CountTokens = Callable[[Sequence[str]], list[int]]

_LINES = re.compile(r"[^\n]*\n+|[^\n]+")
_WORDS = re.compile(r"\s*\S+|\s+")


@dataclass(frozen=True, slots=True)
class Window:
    """A piece of a text that a model reads at once."""

    text: str
    tokens: int


def windows(text: str, tokens: int, count_tokens: CountTokens, limit: int) -> list[Window]:
    """Windows of at most `limit` tokens that, joined, are `text` again, which has `tokens` of them.

    Cuts at the end of a line; a line that is too long at a blank, a word that is too long in two halves.
    """
    if tokens <= limit:
        return [Window(text, tokens)]
    return _checked(_packed(_pieces(text, count_tokens, limit), limit), count_tokens, limit)


def _pieces(text: str, count_tokens: CountTokens, limit: int) -> Iterable[Window]:
    """Lines; words of a line that is too long."""
    lines = _LINES.findall(text)
    for line, count in zip(lines, count_tokens(lines), strict=True):
        if count <= limit:
            yield Window(line, count)
            continue
        words = _WORDS.findall(line)
        for word, word_count in zip(words, count_tokens(words), strict=True):
            yield Window(word, word_count)


def _packed(pieces: Iterable[Window], limit: int) -> Iterable[str]:
    """Neighbouring pieces joined for as long as they fit together."""
    texts: list[str] = []
    tokens = 0
    for piece in pieces:
        if texts and tokens + piece.tokens > limit:
            yield "".join(texts)
            texts, tokens = [], 0
        texts.append(piece.text)
        tokens += piece.tokens
    if texts:
        yield "".join(texts)


def _checked(texts: Iterable[str], count_tokens: CountTokens, limit: int) -> list[Window]:
    """Windows with their true counts: not every tokenizer's counts add up, and a word may be longer than a window."""
    pending = list(texts)[::-1]
    counts = count_tokens(pending)
    found: list[Window] = []
    while pending:
        text, count = pending.pop(), counts.pop()
        if count <= limit or len(text) == 1:
            found.append(Window(text, count))
            continue
        halves = [text[len(text) // 2 :], text[: len(text) // 2]]
        pending += halves
        counts += count_tokens(halves)
    return found
