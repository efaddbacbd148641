"""How fast a song is: syllables a second, where it is known when its lines are sung or how long it is.

Knows no stamps, only seconds. Syllables are those of `ReadLine`, ad-libs included.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Literal, NotRequired, TypedDict

from rapray.domain import Timing
from rapray.text.measures.size import syllables_of
from rapray.text.reading import Reading

LONGEST_LINE_S = 8.0  # two bars at 60 beats a minute; the next line comes later only behind a pause
_SHORTEST_FAST_S = 1.0  # an ad-lib of a tenth of a second is no record


class Pace(TypedDict):
    """`syllables_per_second`: of lines with stamps, their syllables over the time from each line's start to the next
    later stamp. A line that is followed by more than eight seconds, or by no stamp, is left out with its syllables:
    what comes behind it is a pause. Where no line can be counted so, all syllables over the duration of the song,
    pauses included. None where neither is known, as for every stored track: no source delivers it.

    The other two are there only where that figure is: `syllables_per_second_from` says which of the two it is;
    `fastest_syllables_per_second` is that of the fastest line of one second and more.
    """

    syllables_per_second: float | None
    syllables_per_second_from: NotRequired[Literal["synced", "duration"]]
    fastest_syllables_per_second: NotRequired[float]


def pace(reading: Reading, timings: Sequence[Timing | None], duration_s: float | None) -> Pace:
    """Measure a song.

    Args:
        reading: of the song's sections.
        timings: one for each line of these sections, in order, or none at all.
        duration_s: of the whole song.
    """
    timed = list(_timed(reading, timings)) if timings else []
    if timed:
        return _synced(timed)
    if duration_s is None:
        return Pace(syllables_per_second=None)
    sung = sum(map(syllables_of, reading.lines()))
    return Pace(syllables_per_second=sung / duration_s, syllables_per_second_from="duration")


def _timed(reading: Reading, timings: Sequence[Timing | None]) -> Iterator[tuple[int, float]]:
    """Syllables and seconds of each line that counts."""
    lines = (line for section in reading.sections for line in section)
    for line, timing in zip(lines, timings, strict=True):
        if line.words and timing is not None and timing.end is not None:
            seconds = timing.end - timing.start
            if 0 < seconds <= LONGEST_LINE_S:
                yield syllables_of(line), seconds


def _synced(timed: Sequence[tuple[int, float]]) -> Pace:
    sung = sum(syllables for syllables, _ in timed)
    found = Pace(
        syllables_per_second=sung / math.fsum(seconds for _, seconds in timed),
        syllables_per_second_from="synced",
    )
    rates = [syllables / seconds for syllables, seconds in timed if seconds >= _SHORTEST_FAST_S]
    if rates:
        found["fastest_syllables_per_second"] = max(rates)
    return found
