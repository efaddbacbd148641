"""How sure a model was of its figures: from log-probabilities, or from how far repeated samples agree.

Neither is calibrated: it orders the answers of one model, and compares no two models.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from statistics import fmean

from rapray.analyzers.llm.schema import LyricAnswer, Quality

# The fields in which the model decides; in prose a low probability says nothing but that there were other words.
_DECISION = re.compile(
    r'"(?:mood|energy|valence|level|person|form|score|theme|weight)"\s*:\s*("(?:[^"\\]|\\.)*"|-?\d+)'
)


def from_logprobs(text: str, tokens: Sequence[tuple[str, float]]) -> float | None:
    """The geometric mean of the probabilities of the tokens in which figures and choices are written, in [0, 1].

    None where the tokens are not the text, as with servers that give those of hidden thinking too. One token more may
    stand at the end: the mark of the turn's end, which vLLM gives.
    """
    if tokens and not _spells(tokens, text):
        tokens = tokens[:-1]
    if not tokens or not _spells(tokens, text):
        return None
    offset = len(text) - len(text.lstrip()) - _leading_blanks(tokens)
    spans = [found.span(1) for found in _DECISION.finditer(text)]
    picked: list[float] = []
    start, place = offset, 0
    for piece, logprob in tokens:
        end = start + len(piece)
        while place < len(spans) and spans[place][1] <= start:
            place += 1
        if place < len(spans) and spans[place][0] < end and math.isfinite(logprob):
            picked.append(min(0.0, logprob))
        start = end
    return math.exp(fmean(picked)) if picked else None


def _spells(tokens: Sequence[tuple[str, float]], text: str) -> bool:
    return "".join(piece for piece, _ in tokens).strip() == text.strip()


def _leading_blanks(tokens: Sequence[tuple[str, float]]) -> int:
    joined = "".join(piece for piece, _ in tokens)
    return len(joined) - len(joined.lstrip())


def agreement(samples: Sequence[LyricAnswer]) -> float:
    """How far samples agree, in [0, 1]: the mean over choices of the commonest one's share, and over figures of one
    less their mean distance from the median, both as shares of what is possible.
    """
    choices = [
        [sample.mood for sample in samples],
        [sample.explicitness.level for sample in samples],
        [sample.narrative.person for sample in samples],
        [sample.themes[0].theme for sample in samples],
    ]
    shares = [Counter(chosen).most_common(1)[0][1] / len(samples) for chosen in choices]
    return fmean([*shares, *(_closeness(values) for values in _figures(samples))])


def most_typical(samples: Sequence[LyricAnswer]) -> int:
    """The place of the sample that lies nearest to the others: its text goes with its own figures."""
    figures = list(_figures(samples))

    def distance(place: int) -> tuple[float, int]:
        far = sum(abs(values[place] - sorted(values)[len(values) // 2]) for values in figures)
        moods = [sample.mood for sample in samples]
        return (far - moods.count(moods[place]), place)

    return min(range(len(samples)), key=distance)


def _figures(samples: Sequence[LyricAnswer]) -> list[list[float]]:
    """Each figure of all samples, as a share of its range."""
    scores = [
        [getattr(sample.quality, name).score / 10 for sample in samples] for name in Quality.model_fields
    ]
    return [
        [sample.energy / 10 for sample in samples],
        [(sample.valence + 10) / 20 for sample in samples],
        *scores,
    ]


def _closeness(values: Sequence[float]) -> float:
    middle = sorted(values)[len(values) // 2]
    return 1 - fmean(abs(value - middle) for value in values)
