"""Word lists of `lexicon/`, each in groups: which groups a word of a song belongs to.

Knows no meaning beyond the lists. To add a word, add it to the file in its base form; `forms` finds the rest.
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
    """A word of a list: the form that stands there, and the groups that it stands under."""

    form: str
    groups: tuple[str, ...]


@cache
def groups(name: str) -> Mapping[str, tuple[str, ...]]:
    """The words of each group of `lexicon/<name>.txt`, in the file's order, read once a process.

    A word that counts in this form only keeps its "=".
    """
    text = (files("rapray.text") / "lexicon" / f"{name}.txt").read_text(encoding="utf-8")
    found: dict[str, dict[str, None]] = {}
    group = ""
    for line in text.splitlines():
        if line.startswith("["):
            group = line.strip("[] ")
            found[group] = {}
        elif line and not line.startswith("#"):
            found[group] |= dict.fromkeys(map(_plain, line.split()))
    return {group: tuple(words) for group, words in found.items()}


@lru_cache(maxsize=_CACHED_WORDS)
def listed(name: str, word: str) -> Listed | None:
    """Where a lower-case token stands in a list, by itself or as a form of a word there; None where it does not."""
    index, exact = _index(name), "=" + word
    if exact in index:
        return Listed(word, index[exact])
    return next((Listed(base, index[base]) for base in bases(word) if base in index), None)


@cache
def _index(name: str) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for group, words in groups(name).items():
        for word in words:
            found[word] = (*found.get(word, ()), group)
    return found


def _plain(word: str) -> str:
    """A word after ~ is written in ROT13 and counts, as one after =, in this form only."""
    return "=" + codecs.decode(word[1:], "rot13") if word.startswith("~") else word
