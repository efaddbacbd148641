"""The shape of the emotion analyzer's `data`, and what follows from label probabilities: dominant label, sentiment.

Knows no model: labels come with the probabilities.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

# Labels whose side is beyond doubt; with any label outside of these three there is no sentiment.
POSITIVE = frozenset({"joy", "love", "happiness", "optimism", "positive"})
NEGATIVE = frozenset({"anger", "disgust", "fear", "sadness", "pessimism", "negative"})
NEITHER = frozenset({"neutral", "surprise", "anticipation"})


class ArcPoint(TypedDict):
    """One section of the arc: its position from 1, its kind and header, its tokens and its labels' probabilities."""

    section: int
    kind: str
    label: str
    tokens: int
    dominant: str
    labels: dict[str, float]


class EmotionModelData(TypedDict):
    """Which model answered; `probabilities` is "independent" (several labels may be likely) or "exclusive"."""

    name: str
    revision: str
    is_builtin: bool
    is_calibrated: bool
    probabilities: str


class EmotionData(TypedDict):
    """`data` of a result.

    `labels`: the probability of each label over the whole text, [0, 1]: the mean of its windows, weighted by tokens;
    with the built-in model, how likely a window drawn by its length has the label. `dominant` is the most probable,
    `leading_emotion` the most probable but neutral: most lines of most songs tell without feeling, so that neutral
    leads nearly everywhere. None where the model knows nothing but neutral.
    `arc` has the sections in order, those without a word left out; `section_count` counts them, also where `arc` ends
    at its bound. `swing` is the mean distance of neighbouring sections: half the sum of absolute differences of
    their labels' shares, [0, 1]; 0 for one section.
    """

    labels: dict[str, float]
    dominant: str
    leading_emotion: str | None
    arc: list[ArcPoint]
    section_count: int
    window_count: int
    swing: float
    model: EmotionModelData


def dominant(labels: Mapping[str, float]) -> str:
    """The most probable label; of equals the first."""
    return max(labels, key=lambda label: labels[label])


def leading_emotion(labels: Mapping[str, float]) -> str | None:
    """The most probable label that is not neutral; None where there is none."""
    felt = {label: value for label, value in labels.items() if not is_neutral(label)}
    return dominant(felt) if felt else None


def is_neutral(label: str) -> bool:
    """True for the label that stands for no emotion."""
    return label.strip().lower() == "neutral"


def sentiment(labels: Mapping[str, float]) -> float | None:
    """Probability of the pleasant labels minus that of the unpleasant ones, clipped to [-1, 1].

    With Ekman's labels: joy - (anger + disgust + fear + sadness). Surprise and neutral lie on neither side. None where
    the model has a label of unknown side, or none of one side.
    """
    sides = {label: label.strip().lower() for label in labels}
    names = set(sides.values())
    if names - POSITIVE - NEGATIVE - NEITHER or not (names & POSITIVE and names & NEGATIVE):
        return None
    balance = sum(labels[label] for label, name in sides.items() if name in POSITIVE)
    balance -= sum(labels[label] for label, name in sides.items() if name in NEGATIVE)
    return max(-1.0, min(1.0, balance))
