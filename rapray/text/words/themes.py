"""What a song is about: its themes with weights, and the words that indicate them.

Words count one by one, so irony and homonyms are missed: "ice" counts for luxury and for winter. English only. The
lists (`lexicon/themes.txt`) are rapray's own.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import TypedDict

from rapray.text.pronunciation.sounds import FUNCTION_WORDS
from rapray.text.words.wordlists import listed

_LIST = "themes"
_MOST_OF_ONE_WORD = 3  # a hook that says one word forty times makes no theme by itself
_FEWEST_WORDS = 2  # different words; a single word is chance
_HALF_WEIGHT = 4.0  # hits in a hundred content words at which the weight is one half
_SHOWN_WORDS = 10


class ThemeWord(TypedDict):
    """A word of the list and how often the song says it, in any form."""

    word: str
    count: int


class Theme(TypedDict):
    """`theme` is a heading of the list; `weight` in [0, 1) says how much of the song is about it.

    weight = h / (h + 4), h the hits in a hundred content words (all but function words), each word counted three
    times at most. `share` in [0, 1] is this theme's part of all hits. `words` are the ten most frequent words of
    the theme.
    """

    theme: str
    weight: float
    share: float
    words: list[ThemeWord]


def themes(words: Iterable[str]) -> list[Theme]:
    """Return the themes of a song by falling weight; a theme needs at least two different words."""
    content = 0
    hits: dict[str, Counter[str]] = defaultdict(Counter)
    for word, count in Counter(words).items():
        content += 0 if word in FUNCTION_WORDS else count
        if entry := listed(_LIST, word):
            for group in entry.groups:
                hits[group][entry.form] += count
    heard = {group: counts for group, counts in hits.items() if len(counts) >= _FEWEST_WORDS}
    total = sum(map(_hits, heard.values()))
    found_themes = [_theme(group, counts, content, total) for group, counts in heard.items()]
    return sorted(found_themes, key=lambda theme: (-theme["weight"], theme["theme"]))


def _hits(counts: Counter[str]) -> int:
    return sum(min(count, _MOST_OF_ONE_WORD) for count in counts.values())


def _theme(group: str, counts: Counter[str], content: int, total: int) -> Theme:
    hits = _hits(counts)
    rate = 100 * hits / max(content, hits)
    shown = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))[:_SHOWN_WORDS]
    return Theme(
        theme=group,
        weight=rate / (rate + _HALF_WEIGHT),
        share=hits / total,
        words=[ThemeWord(word=word, count=count) for word, count in shown],
    )
