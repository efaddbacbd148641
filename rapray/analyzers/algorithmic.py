"""The algorithmic analyzer: everything about a rap text that rules and word lists can tell, without a model.

Knows one text and nothing around it, not even the language that a source named: it finds that out from the
words, so that the same words give the same bytes by every way. Sounds are those of English; what rests on
English words (sentiment, readability, persons and tenses) is None for another language, the rest compares
inside that language only.

`sentiment` is the mean of VADER over the lines without profanity (`rapray.text.measures.sentiment`). `confidence` is
None: rules know no doubt, and no figure here is a probability.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from rapray.analyzers.algorithmic_measure import measure
from rapray.analyzers.base import one_by_one, rounded
from rapray.analyzers.style_vector import style_vector
from rapray.config import Settings
from rapray.domain import Analysis, Failure, Lyric, Provenance
from rapray.errors import EmptyLyrics
from rapray.text.language import detect_language
from rapray.text.measures.pace import pace
from rapray.text.reading import Reading, read
from rapray.text.rhyme import rhymes_of
from rapray.text.sections import split_sections

_READ_FOR_LANGUAGE = 800  # characters, in lines from all over the song: more took an eighth of the analysis


class AlgorithmicAnalyzer:
    """Measures lyrics. Has no state: the same text gives the same result, `seconds` aside, in every process."""

    provenance = Provenance("algorithmic", "2.0.0")  # no setting changes what it finds

    def __init__(self, settings: Settings | None = None, name: str = "algorithmic") -> None:
        del settings, name  # nothing to configure: the registry hands every analyzer both

    def analyze(self, batch: Sequence[Lyric]) -> list[Analysis | Failure]:
        """An analysis a lyric; a text without a word fails with the code "lyrics_empty"."""
        return one_by_one(self, batch, self._analyze_one)

    def _analyze_one(self, lyric: Lyric) -> Analysis:
        started = time.perf_counter()
        sections = lyric.sections or split_sections(lyric.lyrics)
        reading = read(sections)
        if not any(True for _ in reading.lines()):
            raise EmptyLyrics
        rhymes = rhymes_of(reading)
        speed = pace(reading, lyric.timings, lyric.duration_s)
        measured = rounded(measure(sections, reading, rhymes, _language(reading), speed))
        return Analysis(
            key=lyric.key,
            provenance=self.provenance,
            content_hash=lyric.content_hash,
            data=measured,
            sentiment=measured["sentiment"]["without_profanity"],
            embedding=style_vector(measured, reading),
            seconds=time.perf_counter() - started,
        )


def _language(reading: Reading) -> str | None:
    lines = [line.text for line in reading.lines()]
    step = max(1, sum(map(len, lines)) // _READ_FOR_LANGUAGE)
    return detect_language("\n".join(lines[::step]))
