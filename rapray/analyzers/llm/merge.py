"""Puts the answers about the parts of a long lyric together, by arithmetic and without another request.

Figures are means weighted by the parts' lengths, choices the weightiest; every sentence stays a sentence that the
model wrote about a part. A request that merges would cost more, could not be checked, and may invent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

from rapray.analyzers.llm.schema import (
    LyricAnswer,
    Quality,
    Scored,
    WeighedTheme,
)

T = TypeVar("T")
_MOST_THEMES, _MOST_QUOTES, _MOST_REFERENCES, _LONGEST_SUMMARY = 5, 4, 6, 400
_MOST_SUMMARIES = 18  # with more, each would be a word or less


def merge(answers: Sequence[LyricAnswer], lengths: Sequence[int]) -> LyricAnswer:
    """One answer for all parts.

    Args:
        answers: one a part, in order.
        lengths: of the parts, as their weights.
    """
    if len(answers) == 1:
        return answers[0]
    heaviest = answers[max(range(len(answers)), key=lambda place: (lengths[place], -place))]
    return LyricAnswer(
        summary=_summary([answer.summary for answer in answers]),
        genre=_weightiest([answer.genre for answer in answers], lengths),
        subgenre=_weightiest([answer.subgenre for answer in answers], lengths),
        mood=_weightiest([answer.mood for answer in answers], lengths),
        energy=_mean([answer.energy for answer in answers], lengths),
        valence=_mean([answer.valence for answer in answers], lengths),
        themes=_themes(answers, lengths),
        narrative=_weightiest([answer.narrative for answer in answers], lengths),
        # One part with strong words makes the lyric explicit, however long the others are.
        explicitness=max(
            (answer.explicitness for answer in answers),
            key=lambda found: ("none", "mild", "strong").index(found.level),
        ),
        rhyme=heaviest.rhyme,
        flow=heaviest.flow,
        wordplay=_spread([answer.wordplay for answer in answers], _MOST_QUOTES),
        quality=_quality(answers, lengths),
        era=_weightiest([answer.era for answer in answers], lengths),
        region=_weightiest([answer.region for answer in answers], lengths),
        references=_spread([answer.references for answer in answers], _MOST_REFERENCES),
    )


def _mean(values: Sequence[int], weights: Sequence[int]) -> int:
    return round(sum(v * w for v, w in zip(values, weights, strict=True)) / sum(weights))


def _weightiest(values: Sequence[T], weights: Sequence[int]) -> T:
    totals: dict[str, int] = {}
    for value, weight in zip(values, weights, strict=True):
        totals[repr(value)] = totals.get(repr(value), 0) + weight
    return max(values, key=lambda value: totals[repr(value)])


def _themes(answers: Sequence[LyricAnswer], weights: Sequence[int]) -> list[WeighedTheme]:
    totals: Counter[str] = Counter()
    for answer, weight in zip(answers, weights, strict=True):
        for theme in answer.themes:
            totals[theme.theme] += theme.weight * weight
    return [
        WeighedTheme.model_validate({"theme": name, "weight": min(10, round(total / sum(weights)))})
        for name, total in sorted(totals.items(), key=lambda found: (-found[1], found[0]))[:_MOST_THEMES]
    ]


def _quality(answers: Sequence[LyricAnswer], weights: Sequence[int]) -> Quality:
    """The mean score of each quality, with the reason of the part whose own score lies nearest to it."""
    merged: dict[str, Scored] = {}
    for name in Quality.model_fields:
        scored: list[Scored] = [getattr(answer.quality, name) for answer in answers]
        mean = _mean([found.score for found in scored], weights)
        nearest = min(scored, key=lambda found: abs(found.score - mean))
        merged[name] = Scored(reason=nearest.reason, score=mean)
    return Quality(**merged)


def _summary(summaries: Sequence[str]) -> str:
    """The parts' summaries, each shortened alike where all of them are too long for one; of very many parts some."""
    joined = " ".join(summaries)
    if len(joined) <= _LONGEST_SUMMARY:
        return joined
    count = min(len(summaries), _MOST_SUMMARIES)
    chosen = [summaries[place * len(summaries) // count] for place in range(count)]
    room = _LONGEST_SUMMARY // count - 2
    return " ".join(text if len(text) <= room else text[: room - 1].rstrip() + "\u2026" for text in chosen)


def _spread(lists: Sequence[Sequence[T]], most: int) -> list[T]:
    """In turn one of each part, none twice."""
    turns = (found[place] for place in range(max(map(len, lists))) for found in lists if place < len(found))
    kept: list[T] = []
    for found in turns:
        if found not in kept and len(kept) < most:
            kept.append(found)
    return kept
