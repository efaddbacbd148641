"""Names in a song, by their capitals: runs of capitalised words inside a line.

Brands and towns count as names, days and months do not. A name that opens a line is not found, because every line
opens with a capital.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rapray.text.pronunciation.sounds import FUNCTION_WORDS
from rapray.text.reading import Reading, ReadLine

# Capitalised words that are not names.
_NEVER_WORDS = (
    "i'm i'll i've i'd i'ma ima imma ion im ive mr mrs ms miss mister dr ok okay tv usa dj mc cd cv mom "
    "ma mum dad god lord monday tuesday wednesday thursday friday saturday sunday january february march "
    "april may june july august september october november december christmas"
)
_NEVER = FUNCTION_WORDS | frozenset(_NEVER_WORDS.split())
_MOST_CAPITALS = 0.5  # of the words inside lines: with more, the text is written In Title Case or IN CAPITALS
_OPENERS = frozenset(".?!:;\"“”'‘(（[/—–…*-")  # after these a sentence or a quotation begins
_LONGEST_NAME = 60  # characters


def names_of(reading: Reading) -> list[str] | None:
    """Return the names as written, in order, with repetitions; None if capitals do not mark names in this text."""
    lines = [(line, _capitals(line)) for line in reading.lines()]
    inside = [
        (word, line, is_capital)
        for line, capitals in lines
        for word, is_capital in zip(line.words[1:], capitals[1:], strict=True)
        if not word.text.startswith("i'") and word.text != "i"
    ]
    capitals_inside = sum(is_capital for _, _, is_capital in inside)
    if capitals_inside > _MOST_CAPITALS * len(inside) or _is_caseless([line for _, line, _ in inside]):
        return None
    lower = {word.text for word, _, is_capital in inside if not is_capital}
    return [name for line, capitals in lines if any(capitals[1:]) for name in _names(line, capitals, lower)]


def _names(line: ReadLine, capitals: Sequence[bool], lower: set[str]) -> Iterator[str]:
    """Yield the names of a line; a word that the song also writes in lower case is not a name."""
    start: int | None = None
    end = 0
    for place, word in enumerate(line.words):
        gap = line.text[line.words[place - 1].end : word.start] if place else "."
        is_name = (
            capitals[place]
            and word.text not in _NEVER
            and word.text not in lower
            and (start is not None or _OPENERS.isdisjoint(gap))
        )
        if start is not None and (not is_name or gap != " "):
            yield _named(line, start, end)
            start = None
        if is_name and (start is not None or _OPENERS.isdisjoint(gap)):
            start = word.start if start is None else start
            end = word.end
    if start is not None:
        yield _named(line, start, end)


def _named(line: ReadLine, start: int, end: int) -> str:
    name = line.text[start : min(end, start + _LONGEST_NAME)]
    return name.removesuffix("'s").removesuffix("’s")


def _capitals(line: ReadLine) -> list[bool]:
    """Return for each word of the line whether it is capitalised; single letters never are."""
    text = line.text
    return [text[word.start].isupper() and len(word.text.removesuffix("'s")) > 1 for word in line.words]


def _is_caseless(lines: Sequence[ReadLine]) -> bool:
    """Return True for scripts without capitals, for a text in lower case, and for a text of one word a line.

    Takes the line of each word that is not the first of its line.
    """
    return not any(character.isupper() for line in lines[:500] for character in line.text[:200])
