"""The emotion analyzer: how probable each emotion is over the whole text, and section by section.

Knows no weights: `emotion_choice` finds the model. It reads every token: sections are cut into windows that the model
can read, and a text is the mean of its windows, weighted by tokens. Sung lines count, headers and titles do not.

`confidence` is the probability of the dominant label, where the model's probabilities are calibrated (the built-in
model's are, on sentences: see its card); None for any other model, whose probabilities nobody has checked here.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import numpy as np
from numpy.typing import NDArray

from rapray.analyzers.base import digest_of, failure, one_by_one, rounded
from rapray.analyzers.emotion_choice import choose, load_emotion_model
from rapray.analyzers.emotion_model import EmotionModel, ModelCard, Read, weighted
from rapray.analyzers.emotion_result import (
    ArcPoint,
    EmotionData,
    EmotionModelData,
    dominant,
    is_neutral,
    leading_emotion,
    sentiment,
)
from rapray.analyzers.emotion_vector import emotion_vector
from rapray.config import EmotionSettings, Settings
from rapray.domain import Analysis, Failure, Lyric, ModelInfo, Provenance, Section
from rapray.embeddings.windows import Window
from rapray.errors import AnalysisFailed, EmptyLyrics, InvalidLyrics, RaprayError
from rapray.text.sections import split_sections

VERSION = "1.0.0"
# A song has five to fifteen; the bound keeps the result of a megabyte of text storable.
_MOST_SECTIONS = 200
_DIGITS = 5  # finer digits are noise in a float32; between processors even the third may differ

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Part:
    """A section that has words: its position from 1, and its windows."""

    position: int
    section: Section
    windows: list[Window]

    @property
    def tokens(self) -> int:
        return sum(window.tokens for window in self.windows)


class EmotionAnalyzer:
    """An analyzer that reads emotions with the configured model.

    The same text has the same probabilities within 0.005. `dominant`, `leading_emotion`, `sentiment`,
    `confidence` and `swing` are computed from them: if two labels are closer than that, either may be the
    dominant one.
    """

    def __init__(self, settings: Settings, name: str = "emotion") -> None:
        chosen = choose(settings.emotion)
        self._model: EmotionModel = load_emotion_model(settings.emotion, chosen)
        self.note = chosen.note
        self.model: ModelInfo = self._model.card.info
        self.provenance = _provenance(name, self.model, settings.emotion)

    def analyze(self, batch: Sequence[Lyric]) -> list[Analysis | Failure]:
        """An analysis a lyric; a text without a word fails with the code "lyrics_empty".

        All windows of the batch share forward passes. Where that breaks, each lyric is read alone, so that the one
        that is to blame fails alone.
        """
        started = time.perf_counter()
        planned = [self._planned(lyric) for lyric in batch]
        good = [parts for parts in planned if not isinstance(parts, Failure)]
        try:
            reads = iter(self._read(good))
        except Exception:  # noqa: BLE001 (found one by one, and kept as that lyric's failure)
            return one_by_one(self, batch, self._analyze_one)
        each = (time.perf_counter() - started) / max(len(batch), 1)
        return [
            parts if isinstance(parts, Failure) else self._finished(lyric, parts, next(reads), each)
            for lyric, parts in zip(batch, planned, strict=True)
        ]

    def _analyze_one(self, lyric: Lyric) -> Analysis:
        started = time.perf_counter()
        parts = self._parts(lyric)
        (read,) = self._read([parts])
        return self._analysis(lyric, parts, read, time.perf_counter() - started)

    def _planned(self, lyric: Lyric) -> list[_Part] | Failure:
        try:
            return self._parts(lyric)
        except RaprayError as error:
            return failure(self.provenance, lyric, error)

    def _parts(self, lyric: Lyric) -> list[_Part]:
        sections = lyric.sections or split_sections(lyric.lyrics)
        texts = {
            position: text
            for position, section in enumerate(sections, start=1)
            if any(map(str.isalnum, text := "\n".join(section.lines)))
        }
        if not texts:
            raise EmptyLyrics
        try:
            split = self._model.windows(list(texts.values()))
        except (TypeError, UnicodeError) as error:
            # A lone surrogate: the tokenizer takes it for something that is no text.
            raise InvalidLyrics(reason=f"not Unicode text ({error})") from error
        return [
            _Part(position, sections[position - 1], windows)
            for position, windows in zip(texts, split, strict=True)
        ]

    def _read(self, lyrics: Sequence[list[_Part]]) -> list[Read]:
        """What the model says of each lyric's windows; a hook that comes back is read once."""
        texts = [[window for part in parts for window in part.windows] for parts in lyrics]
        unique = {window.text: window for windows in texts for window in windows}
        row_of = {text: row for row, text in enumerate(unique)}
        read = self._model.read(list(unique.values()))
        rows = [[row_of[window.text] for window in windows] for windows in texts]
        return [Read(read.probabilities[row], read.states[row]) for row in rows]

    def _finished(self, lyric: Lyric, parts: list[_Part], read: Read, seconds: float) -> Analysis | Failure:
        try:
            return self._analysis(lyric, parts, read, seconds)
        except RaprayError as error:
            return failure(self.provenance, lyric, error)

    def _analysis(self, lyric: Lyric, parts: list[_Part], read: Read, seconds: float) -> Analysis:
        tokens = [window.tokens for part in parts for window in part.windows]
        whole, state = weighted(read.probabilities, tokens), weighted(read.states, tokens)
        if not (np.isfinite(whole).all() and np.isfinite(state).all()):
            raise AnalysisFailed(analyzer=self.provenance.analyzer, reason="the model's answer is not finite")
        arc = _arc(parts, read)
        lengths = np.array([max(part.tokens, 1) for part in parts], np.float64)
        card = self._model.card
        labels = _labels(card, whole)
        felt = [place for place, label in enumerate(card.labels) if not is_neutral(label)]
        return Analysis(
            key=lyric.key,
            provenance=self.provenance,
            content_hash=lyric.content_hash,
            data=_data(card, parts, whole, arc),
            sentiment=rounded(sentiment(labels), _DIGITS),
            confidence=labels[dominant(labels)] if card.is_calibrated else None,
            embedding=emotion_vector(whole[felt], arc[:, felt], lengths, state),
            seconds=seconds,
            input_tokens=sum(tokens),
        )


def identify(settings: Settings, name: str) -> Provenance:
    """Return the provenance that results have under these settings; loads no model.

    Raises:
        MissingExtra, ModelUnavailable: see `rapray.analyzers.emotion_choice.choose`.
    """
    return _provenance(name, choose(settings.emotion).info, settings.emotion)


def _provenance(name: str, model: ModelInfo, settings: EmotionSettings) -> Provenance:
    # "auto" is taken as it stands: what it comes to differs between the hosts of a cluster, and no result may be stale
    # for the host that asks.
    parameters = digest_of({"dtype": settings.dtype}, {"dtype": "auto"})
    return Provenance(name, VERSION, model.name, model.revision, parameters=parameters)


def _arc(parts: Sequence[_Part], read: Read) -> Doubles:
    """Label probabilities of each section (sections, labels)."""
    rows: list[Doubles] = []
    start = 0
    for part in parts:
        end = start + len(part.windows)
        rows.append(weighted(read.probabilities[start:end], [window.tokens for window in part.windows]))
        start = end
    return np.stack(rows)


def _data(card: ModelCard, parts: Sequence[_Part], whole: Doubles, arc: Doubles) -> dict[str, object]:
    labels = _labels(card, whole)
    described = EmotionData(
        labels=labels,
        dominant=dominant(labels),
        leading_emotion=leading_emotion(labels),
        arc=[
            _point(part, _labels(card, row))
            for part, row in zip(parts[:_MOST_SECTIONS], arc[:_MOST_SECTIONS], strict=True)
        ],
        section_count=len(parts),
        window_count=sum(len(part.windows) for part in parts),
        swing=round(_swing(arc), _DIGITS),
        model=EmotionModelData(
            name=card.info.name,
            revision=card.info.revision,
            is_builtin=card.is_builtin,
            is_calibrated=card.is_calibrated,
            probabilities="independent" if card.is_multi_label else "exclusive",
        ),
    )
    return cast("dict[str, object]", described)


def _point(part: _Part, labels: dict[str, float]) -> ArcPoint:
    return ArcPoint(
        section=part.position,
        kind=part.section.kind,
        label=part.section.label,
        tokens=part.tokens,
        dominant=dominant(labels),
        labels=labels,
    )


def _swing(arc: Doubles) -> float:
    shares = arc / np.maximum(arc.sum(1, keepdims=True), 1e-12)
    steps = [float(np.abs(after - before).sum()) / 2 for before, after in pairwise(shares)]
    return sum(steps) / len(steps) if steps else 0.0


def _labels(card: ModelCard, row: Doubles) -> dict[str, float]:
    return rounded(dict(zip(card.labels, map(float, row), strict=True)), _DIGITS)
