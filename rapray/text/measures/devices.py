"""Rhetorical devices with their places: simile, anaphora, epistrophe, onomatopoeia, name-drops.

They are found by word order, capitals and a list of sound words, without their meaning: a simile is found by its
form ("like a …", "as … as"), a metaphor is not found. English only, except for anaphora and epistrophe.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import TypedDict

from rapray.text.measures.names import names_of
from rapray.text.pronunciation.sounds import FUNCTION_WORDS
from rapray.text.reading import Reading, ReadLine, ReadWord
from rapray.text.tokens import words
from rapray.text.words.explicit import is_slur
from rapray.text.words.wordlists import listed

_Finder = Callable[[ReadLine], Iterator[tuple[int, int]]]

MOST_PLACES = 100  # of each device; counts count all
_LONGEST_QUOTE = 200  # characters
_FEWEST_LINES = 3  # that open or close on a single word; two lines are enough if they share two words
_QUOTED_WORDS = 4  # after the first of the image
_FARTHEST_AS = 5  # words from "as" to "as": "as cold as", "as sharp and bright as"

_LIKERS_WORDS = (
    "i you we they ya y'all i'd you'd we'd they'd he'd she'd would would've don't didn't doesn't do did "
    "to really also might might've may not never won't people who if it'd"
)
_NO_IMAGE_WORDS = (
    "that this these those to it when how what why me you him them us so if whoa yeah uh oh i i'm you'd "
    "you're he she we they he's she's it's as same sorry"
)
_LIKERS = frozenset(_LIKERS_WORDS.split())  # "I like a …": a verb
_NO_IMAGE = frozenset(_NO_IMAGE_WORDS.split())  # "like that", "like when": no image follows
_ARTICLES = frozenset(("a", "an", "the", "my", "your", "our", "their", "some", "one", "two"))
_NO_SIMILE_AS = frozenset(("soon", "long", "well", "much", "far", "many", "if", "though", "such"))
_NO_COMPARATIVE = frozenset(("rather", "other", "another", "either", "never", "ever"))
_WEAK_OPENINGS = frozenset(("a", "an", "the", "and", "but", "or", "of", "in", "to"))  # chance repeats them


class Place(TypedDict):
    """The place of a device: section and line count from 0, the line in its section; `text` is line[start:end]."""

    section: int
    line: int
    start: int
    end: int
    text: str


class Run(TypedDict):
    """Lines of a section, first to last, that open or close on the same words; `phrase` is those words."""

    section: int
    first_line: int
    last_line: int
    phrase: str


class Name(TypedDict):
    """A name as written, and how often it is said."""

    name: str
    count: int


class Devices(TypedDict):
    """Devices of a song: counts of all, places of the first hundred.

    `similes`: "like" before an image, "as … as", "…-er than a …". `anaphora`, `epistrophe`: runs of
    neighbouring lines in a section that open (close) on the same two words, or three lines and more on the same
    word; identical lines are repetition and do not count. `onomatopoeia`: words of
    `lexicon/onomatopoeia.txt`. `name_drop_count`: names inside lines, recognised by their capitals (neighbouring
    capitalised words are one name); None if capitals do not mark names in this text, or if it is not English.
    `names` lists them by frequency. `question_line_share` in [0, 1] of lines that contain a question mark.
    """

    simile_count: int
    similes: list[Place]
    anaphora_count: int
    anaphora: list[Run]
    epistrophe_count: int
    epistrophe: list[Run]
    onomatopoeia_count: int
    onomatopoeia: list[Place]
    name_drop_count: int | None
    names: list[Name]
    question_line_share: float


def devices(reading: Reading, *, is_english: bool = True) -> Devices:
    """Find the devices of a song; in other languages than English only anaphora and epistrophe."""
    similes = _places(reading, _similes) if is_english else []
    sounds = _places(reading, _sound_words) if is_english else []
    openings, closings = _runs(reading, at_start=True), _runs(reading, at_start=False)
    dropped = names_of(reading) if is_english else None
    lines = list(reading.lines())
    return Devices(
        simile_count=len(similes),
        similes=similes[:MOST_PLACES],
        anaphora_count=len(openings),
        anaphora=openings[:MOST_PLACES],
        epistrophe_count=len(closings),
        epistrophe=closings[:MOST_PLACES],
        onomatopoeia_count=len(sounds),
        onomatopoeia=sounds[:MOST_PLACES],
        name_drop_count=None if dropped is None else len(dropped),
        names=_names(dropped or []),
        question_line_share=sum("?" in line.text for line in lines) / max(len(lines), 1),
    )


def _places(reading: Reading, find: _Finder) -> list[Place]:
    places: list[Place] = []
    for section, lines in enumerate(reading.sections):
        for number, line in enumerate(lines):
            for start, end in find(line):
                places.append(
                    Place(section=section, line=number, start=start, end=end, text=line.text[start:end])
                )
    return places


def _similes(line: ReadLine) -> Iterator[tuple[int, int]]:
    opened: int | None = None  # place of an "as" that waits for the second "as"
    for place, word in enumerate(line.words[:-1]):
        if word.text in {"like", "than"} and _is_image(line, place):
            yield _quote(line, place if word.text == "like" else place - 1, place)
        elif word.text == "as" and opened is not None and 1 < place - opened <= _FARTHEST_AS:
            if not _is_cut(line, place) and line.words[place + 1].text not in _NO_IMAGE:
                yield _quote(line, opened, place)
            opened = None
        elif word.text == "as":
            opened = None if line.words[place + 1].text in _NO_SIMILE_AS else place


def _is_image(line: ReadLine, place: int) -> bool:
    """Return True if an image follows "like" or "than"; "than" needs a comparative before and an article after it."""
    before = line.words[place - 1].text if place else ""
    after = line.words[place + 1].text
    if _is_cut(line, place):  # "like, you know"
        return False
    if line.words[place].text == "than":
        return before.endswith("er") and before not in _NO_COMPARATIVE and after in _ARTICLES
    is_plain = after not in FUNCTION_WORDS and after not in _NO_IMAGE
    return before not in _LIKERS and (after in _ARTICLES or is_plain)


def _is_cut(line: ReadLine, place: int) -> bool:
    return bool(line.text[line.words[place].end : line.words[place + 1].start].strip())


def _quote(line: ReadLine, first: int, comparison: int) -> tuple[int, int]:
    """Quote from the first word to the end of the image: at most four more words, up to a punctuation mark."""
    last = comparison + 1
    while last < min(comparison + 1 + _QUOTED_WORDS, len(line.words) - 1) and not _is_cut(line, last):
        last += 1
    start = line.words[first].start
    return start, min(line.words[last].end, start + _LONGEST_QUOTE)


def _sound_words(line: ReadLine) -> Iterator[tuple[int, int]]:
    return ((word.start, word.end) for word in line.words if listed("onomatopoeia", word.text))


def _runs(reading: Reading, *, at_start: bool) -> list[Run]:
    runs: list[Run] = []
    for section, lines in enumerate(reading.sections):
        sung = [(number, _edge(line.sung, at_start=at_start)) for number, line in enumerate(lines)]
        edges = [(number, edge) for number, edge in sung if edge]
        for _, group in groupby(edges, key=lambda pair: pair[1][0]):
            runs += _runs_of_word(section, lines, list(group))
    return runs


def _runs_of_word(
    section: int, lines: Sequence[ReadLine], group: list[tuple[int, tuple[str, str]]]
) -> list[Run]:
    """Return the run of lines that share a word; if there are only two, they must share the second word."""
    if len(group) < 2:
        return []
    texts = {tuple(word.text for word in lines[number].sung) for number, _ in group}
    phrases = {phrase for _, (_, phrase) in group}
    if len(texts) < 2 or (len(texts) < _FEWEST_LINES and len(phrases) > 1):
        return []
    word = group[0][1][0]
    if word in _WEAK_OPENINGS and len(phrases) > 1:
        return []
    phrase = phrases.pop() if len(phrases) == 1 else word
    if phrase == word and len(texts) < _FEWEST_LINES:
        return []
    return [Run(section=section, first_line=group[0][0], last_line=group[-1][0], phrase=phrase)]


def _edge(words: Sequence[ReadWord], *, at_start: bool) -> tuple[str, str] | None:
    """Return the first or last word of a line, and the first or last two; None for an empty line."""
    if not words:
        return None
    pair = words[:2] if at_start else words[-2:]
    return (pair[0] if at_start else pair[-1]).text, " ".join(word.text for word in pair)


def _names(dropped: Sequence[str]) -> list[Name]:
    counts = Counter(name for name in dropped if not any(map(is_slur, words(name))))
    ordered = sorted(counts, key=lambda name: (-counts[name], name))
    return [Name(name=name, count=counts[name]) for name in ordered[:MOST_PLACES]]
