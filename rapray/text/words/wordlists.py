"""Word lists of `lexicon/`, each in groups: which groups a word of a song belongs to.

To add a word, add its base form to the file; `forms` covers its inflections.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files
from typing import NamedTuple

from rapray.text.words.forms import bases

_CACHED_WORDS = 65_536


class Listed(NamedTuple):
    """A word of a list: its form in the list, and the groups that contain it."""

    form: str
    groups: tuple[str, ...]


@cache
def groups(name: str) -> Mapping[str, tuple[str, ...]]:
    """Return the words of each group of `lexicon/<name>.txt`, in the file's order; the file is read once a process.

    Words that count only in this form keep their "=".
    """
    text = (files("rapray.text") / "lexicon" / f"{name}.txt").read_text(encoding="utf-8")
    words_of: dict[str, dict[str, None]] = {}
    group = ""
    for line in text.splitlines():
        if line.startswith("["):
            group = line.strip("[] ")
            words_of[group] = {}
        elif line and not line.startswith("#"):
            words_of[group] |= dict.fromkeys(map(_plain, line.split()))
    return {group: tuple(words) for group, words in words_of.items()}


@lru_cache(maxsize=_CACHED_WORDS)
def listed(name: str, word: str) -> Listed | None:
    """Look up a lower-case token in a list, by itself or as a form of a word there; None if it is not there."""
    index, exact = _index(name), "=" + word
    if exact in index:
        return Listed(word, index[exact])
    return next((Listed(base, index[base]) for base in bases(word) if base in index), None)


@cache
def _index(name: str) -> Mapping[str, tuple[str, ...]]:
    groups_of: dict[str, tuple[str, ...]] = {}
    for group, words in groups(name).items():
        for word in words:
            groups_of[word] = (*groups_of.get(word, ()), group)
    return groups_of


def _plain(word: str) -> str:
    """Decode a word after ~, which is written in ROT13 and, like a word after =, counts only in this form."""
    return "=" + codecs.decode(word[1:], "rot13") if word.startswith("~") else word
