"""How fast a song is: syllables a second, from the times of its lines or from its length.

Syllables are those of `ReadLine`, ad-libs included.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Literal, NotRequired, TypedDict

from rapray.domain import Timing
from rapray.text.measures.size import syllables_of
from rapray.text.reading import Reading

LONGEST_LINE_S = 8.0  # two bars at 60 beats a minute; if the next line comes later, there was a pause
_SHORTEST_FAST_S = 1.0  # an ad-lib of a tenth of a second should not count as the fastest line


class Pace(TypedDict):
    """`syllables_per_second`: the syllables of the lines with stamps, over the time from each line's start to the next
    later stamp. A line without a later stamp, or with more than eight seconds to it, does not count: a pause
    follows. If no line counts, all syllables over the duration of the song, pauses included. None without times and
    without a duration, as for every stored track: no source delivers them.

    `syllables_per_second_from` says which of the two it is, and is missing without either.
    `fastest_syllables_per_second` is the pace of the fastest line that lasts a second or more.
    """

    syllables_per_second: float | None
    syllables_per_second_from: NotRequired[Literal["synced", "duration"]]
    fastest_syllables_per_second: NotRequired[float]


def pace(reading: Reading, timings: Sequence[Timing | None], duration_s: float | None) -> Pace:
    """Measure a song.

    Args:
        reading: The song.
        timings: The time of each line of its sections, in order; may be empty.
        duration_s: The length of the whole song.
    """
    timed = list(_timed(reading, timings)) if timings else []
    if timed:
        return _synced(timed)
    if duration_s is None:
        return Pace(syllables_per_second=None)
    sung = sum(map(syllables_of, reading.lines()))
    return Pace(syllables_per_second=sung / duration_s, syllables_per_second_from="duration")


def _timed(reading: Reading, timings: Sequence[Timing | None]) -> Iterator[tuple[int, float]]:
    """Yield the syllables and seconds of each line that counts."""
    lines = (line for section in reading.sections for line in section)
    for line, timing in zip(lines, timings, strict=True):
        if line.words and timing is not None and timing.end is not None:
            seconds = timing.end - timing.start
            if 0 < seconds <= LONGEST_LINE_S:
                yield syllables_of(line), seconds


def _synced(timed: Sequence[tuple[int, float]]) -> Pace:
    sung = sum(syllables for syllables, _ in timed)
    measured = Pace(
        syllables_per_second=sung / math.fsum(seconds for _, seconds in timed),
        syllables_per_second_from="synced",
    )
    rates = [syllables / seconds for syllables, seconds in timed if seconds >= _SHORTEST_FAST_S]
    if rates:
        measured["fastest_syllables_per_second"] = max(rates)
    return measured
