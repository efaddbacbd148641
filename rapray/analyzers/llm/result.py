"""The `data` of a result, field by field, and its vector.

Knows no provider. Scores are shares of one here, whole numbers of ten in the answer (`schema.py`).
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Literal, TypedDict

from rapray.analyzers.llm.checks import Checks
from rapray.analyzers.llm.schema import LyricAnswer, Quality
from rapray.analyzers.vector import Block, Layout, hashed

_WORD = re.compile(r"[a-z]{4,}")
_LAYOUT = Layout(
    # Energy, the five qualities, explicitness and valence, each centred on its middle.
    figures=Block(16, 1.0),
    themes=Block(48, 1.0),  # hashed, as the next ones: square roots of their shares
    mood=Block(32, 0.7),
    genre=Block(64, 0.6),  # and subgenre: their words
    circumstances=Block(32, 0.4),  # narrative person and form, era and region
    prose=Block(64, 0.5),  # words of four letters and more of summary, rhyme and flow remarks
)


class ScoreData(TypedDict):
    """A score in [0, 1] and the model's reason."""

    score: float
    reason: str


class ThemeData(TypedDict):
    """A theme and its weight in [0, 1]."""

    theme: str
    weight: float


class NarrativeData(TypedDict):
    """Who tells it, and how."""

    person: str
    form: str


class ExplicitnessData(TypedDict):
    """None, mild or strong, and why."""

    level: str
    reason: str


class WordplayData(TypedDict):
    """A device; `is_in_lyric` is False where the quote does not occur in the lyric: then it is made up."""

    device: str
    quote: str
    explanation: str
    is_in_lyric: bool


class ReferenceData(TypedDict):
    """A name that the lyric mentions."""

    name: str
    kind: str


class PartData(TypedDict):
    """What was said about one part of a long lyric; `characters` is the part's length and its weight."""

    characters: int
    summary: str
    mood: str
    energy: float
    valence: float


class Reading(TypedDict):
    """How the lyric was read: whole, or by section where it does not fit the context (then `parts` has each)."""

    mode: Literal["whole", "by_section"]
    parts: list[PartData]
    requests: int
    repairs: int
    structured_output: str


class LlmData(TypedDict):
    """All that a language model says about a lyric. `energy` is in [0, 1], `valence` in [-1, 1]."""

    genre: str
    subgenre: str
    mood: str
    energy: float
    valence: float
    themes: list[ThemeData]
    narrative: NarrativeData
    explicitness: ExplicitnessData
    rhyme: str
    flow: str
    wordplay: list[WordplayData]
    quality: dict[str, ScoreData]
    era: str
    region: str
    references: list[ReferenceData]
    summary: str
    checks: Checks
    reading: Reading
    confidence_from: Literal["log_probabilities", "agreement"] | None


def data_of(
    answer: LyricAnswer,
    checks: Checks,
    reading: Reading,
    confidence_from: Literal["log_probabilities", "agreement"] | None,
) -> LlmData:
    """The answer as stored."""
    missing = set(checks["missing_quotes"])
    return LlmData(
        genre=answer.genre,
        subgenre=answer.subgenre,
        mood=answer.mood,
        energy=answer.energy / 10,
        valence=answer.valence / 10,
        themes=[ThemeData(theme=t.theme, weight=t.weight / 10) for t in answer.themes],
        narrative=NarrativeData(person=answer.narrative.person, form=answer.narrative.form),
        explicitness=ExplicitnessData(level=answer.explicitness.level, reason=answer.explicitness.reason),
        rhyme=answer.rhyme,
        flow=answer.flow,
        wordplay=[
            WordplayData(
                device=w.device, quote=w.quote, explanation=w.explanation, is_in_lyric=w.quote not in missing
            )
            for w in answer.wordplay
        ],
        quality={
            name: ScoreData(
                score=getattr(answer.quality, name).score / 10, reason=getattr(answer.quality, name).reason
            )
            for name in Quality.model_fields
        },
        era=answer.era,
        region=answer.region,
        references=[ReferenceData(name=ref.name, kind=ref.kind) for ref in answer.references],
        summary=answer.summary,
        checks=checks,
        reading=reading,
        confidence_from=confidence_from,
    )


def part_of(answer: LyricAnswer, characters: int) -> PartData:
    """What is kept of one part."""
    return PartData(
        characters=characters,
        summary=answer.summary,
        mood=answer.mood,
        energy=answer.energy / 10,
        valence=answer.valence / 10,
    )


def vector_of(answer: LyricAnswer) -> tuple[float, ...]:
    """256 numbers for what a lyric is and is about; `rapray.analyzers.vector` has how blocks become a vector."""
    quality = [getattr(answer.quality, name).score for name in Quality.model_fields]
    levels = ("none", "mild", "strong").index(answer.explicitness.level) * 5
    figures = [(value - 5) / 10 for value in (answer.energy, *quality, levels)] + [answer.valence / 20]
    circumstances = (
        f"person={answer.narrative.person}",
        f"form={answer.narrative.form}",
        f"era={answer.era.lower()}",
        f"region={answer.region.lower()}",
    )
    prose = _WORD.findall(f"{answer.summary} {answer.rhyme} {answer.flow}".lower())
    return _LAYOUT.vector(
        figures=figures,
        themes=hashed(((theme.theme, theme.weight) for theme in answer.themes), 48),
        mood=hashed(Counter([answer.mood]).items(), 32),
        genre=hashed(Counter(_WORD.findall(f"{answer.genre} {answer.subgenre}".lower())).items(), 64),
        circumstances=hashed(Counter(circumstances).items(), 32),
        prose=hashed(Counter(prose).items(), 64),
    )
