"""How regular the stresses of a song are, and how steady the lengths and breaks of its lines.

The text does not tell where a word falls in the bar. Stress comes from the dictionary, and function words have
none, so the figures are those of a plain reading.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from operator import eq, ne
from typing import TypedDict

from rapray.text.measures.size import syllables_of
from rapray.text.pronunciation.phonology import STRONG
from rapray.text.reading import Reading, ReadLine

_ALIKE = 15  # per cent by which two lines may differ and still be even (Hirjee & Brown 2010)
_LONGEST_PERIOD = 4  # lines: a quatrain
_FEWEST_PAIRS = 8  # below that a period is chance
_BREAKS = frozenset(",;:.!?…–—/")


class Stress(TypedDict):
    """`stressed_share` of the sung syllables, in [0, 1]. `alternation`: share of neighbouring syllables in a
    line of which exactly one is stressed, in [0, 1]; 1 is a strict iamb or trochee.

    `mean_interval` in syllables from stress to stress, 1 and more; 3 is a triplet's. `regularity` in (0, 1]: 1 / (1
    + deviation ÷ mean) of these intervals; None below two of them. `line_agreement`: share of places, counted from
    the line's start, at which a line has the stress of the line before it in the section, in [0, 1].
    """

    stressed_share: float
    alternation: float
    mean_interval: float | None
    regularity: float | None
    line_agreement: float


class Steadiness(TypedDict):
    """`even_line_share`, `grown_line_share` and `shrunk_line_share` compare each line with the line before it in the
    section: at most 15 % more or fewer syllables, over 15 % more, over 15 % fewer. They sum to 1, or are all 0.

    `length_period`: after how many lines (1 to 4) lengths repeat best; None with fewer than eight pairs of lines,
    or if all periods are equal. `breaks_per_line`: punctuation marks between two words. `broken_line_share` of
    lines with a break. `break_position` in [0, 1]: the mean place of a break in its line, by words.
    """

    even_line_share: float
    grown_line_share: float
    shrunk_line_share: float
    length_period: int | None
    breaks_per_line: float
    broken_line_share: float
    break_position: float | None


def stress(reading: Reading) -> Stress:
    """Measure the sung words of a song; zeros without words."""
    sections = [[beats for line in section if (beats := _beats(line))] for section in reading.sections]
    lines = [beats for section in sections for beats in section]
    syllables, stressed = sum(map(len, lines)), sum(map(sum, lines))
    steps = sum(len(beats) - 1 for beats in lines)
    turns = sum(sum(map(ne, beats, beats[1:])) for beats in lines)
    agreeing, compared = _agreement(sections)
    intervals = [interval for beats in lines for interval in _intervals(beats)]
    return Stress(
        stressed_share=stressed / syllables if syllables else 0.0,
        alternation=turns / steps if steps else 0.0,
        mean_interval=sum(intervals) / len(intervals) if intervals else None,
        regularity=_regularity(intervals),
        line_agreement=agreeing / compared if compared else 0.0,
    )


def steadiness(reading: Reading) -> Steadiness:
    """Measure the lengths and breaks of the lines; zeros without lines."""
    sections = [[syllables_of(line) for line in section if line.words] for section in reading.sections]
    steps = [step for lengths in sections for step in pairwise(lengths)]
    grown = sum(100 * second > (100 + _ALIKE) * first for first, second in steps)
    shrunk = sum(100 * second < (100 - _ALIKE) * first for first, second in steps)
    lines = list(reading.lines())
    breaks = [list(_breaks(line)) for line in lines]
    places = [place for line in breaks for place in line]
    return Steadiness(
        even_line_share=(len(steps) - grown - shrunk) / len(steps) if steps else 0.0,
        grown_line_share=grown / len(steps) if steps else 0.0,
        shrunk_line_share=shrunk / len(steps) if steps else 0.0,
        length_period=_period(sections),
        breaks_per_line=len(places) / len(lines) if lines else 0.0,
        broken_line_share=sum(map(bool, breaks)) / len(lines) if lines else 0.0,
        break_position=math.fsum(places) / len(places) if places else None,
    )


def _beats(line: ReadLine) -> list[bool]:
    return [code % 3 == STRONG for word in line.sung for code in word.sound.codes]


def _intervals(beats: Sequence[bool]) -> list[int]:
    places = [place for place, is_stressed in enumerate(beats) if is_stressed]
    return [second - first for first, second in pairwise(places)]


def _regularity(intervals: Sequence[int]) -> float | None:
    """Compute the regularity from exact sums, as `size.deviation` does: deviation ÷ mean is √squares ÷ total."""
    if len(intervals) < 2:
        return None
    total = sum(intervals)
    squares = len(intervals) * sum(interval * interval for interval in intervals) - total * total
    return 1 / (1 + math.sqrt(squares) / total)


def _agreement(sections: Sequence[Sequence[Sequence[bool]]]) -> tuple[int, int]:
    agreeing, compared = 0, 0
    for section in sections:
        for first, second in pairwise(section):
            agreeing += sum(map(eq, first, second))
            compared += min(len(first), len(second))
    return agreeing, compared


def _period(sections: Sequence[Sequence[int]]) -> int | None:
    """Return the lag with the least mean difference, the shortest of equals; None if all are equal."""
    means: list[tuple[float, int]] = []
    for lag in range(1, _LONGEST_PERIOD + 1):
        apart = [
            abs(length - later)
            for lines in sections
            for length, later in zip(lines, lines[lag:], strict=False)
        ]
        if len(apart) >= _FEWEST_PAIRS:
            means.append((sum(apart) / len(apart), lag))
    if len(means) < 2 or min(means)[0] == max(means)[0]:
        return None
    return min(means)[1]


def _breaks(line: ReadLine) -> Iterator[float]:
    """Yield the place of each break of a line: the share of the words before it."""
    for place, (first, second) in enumerate(pairwise(line.words), start=1):
        between = line.text[first.end : second.start]
        if between != " " and (" - " in between or not _BREAKS.isdisjoint(between)):
            yield place / len(line.words)
