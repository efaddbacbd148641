"""The slang lexicon: rap's own words with their pronunciation, from `lexicon/slang.txt`.

To add a word, add a line to the file; the tests check its phones.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files


@cache
def lexicon() -> Mapping[str, tuple[str, ...]]:
    """Return every slang word with its ARPAbet phones; the file is read once a process."""
    text = (files("rapray.text") / "lexicon" / "slang.txt").read_text(encoding="utf-8")
    entries = (line.split() for line in text.splitlines() if line and not line.startswith("#"))
    return {word: tuple(phones) for word, *phones in entries}
