"""How far two analyzers agree on the tracks that both have read.

Knows no analyzer: it compares whatever figures stand under the same name in both results' `data`, their sentiment and
confidence, the moods and the themes. Lists and texts beside those are not compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from rapray.store import queries

_SQL = queries.load("compare")
_FEW = 3  # tracks: below, a correlation says nothing
_ROWS = 50  # results of one fetch: some hold a megabyte
# A language model names a mood, an emotion model a label: two lists of words, compared each with its own kind.
_MOODS = ("mood", "dominant")
_NOT_COMPARED = ("seconds",)


@dataclass(frozen=True, slots=True)
class ScoreAgreement:
    """One figure that both give, over the `tracks` where both do.

    `pearson` and `spearman` in [-1, 1], None where one of the two never changes or there are fewer than three tracks.
    `mean_difference` is of B less A, `mean_distance` of its absolute value.
    """

    score: str
    tracks: int
    pearson: float | None
    spearman: float | None
    mean_difference: float
    mean_distance: float


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A track on which the two are far apart.

    `distance` is the mean over its shared scores of |a - b| in standard deviations of that score (both together);
    `score`, `a` and `b` are of the one that is furthest apart.
    """

    track_id: int
    title: str
    distance: float
    score: str
    a: float
    b: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """Everything compared. `mood_agreement` is the share of tracks with the same mood, `theme_overlap` the mean Jaccard
    index of the themes named, `top_theme_agreement` the share with the same heaviest theme; None where they are not in
    both.
    """

    a: str
    b: str
    tracks: int
    scores: tuple[ScoreAgreement, ...]
    mood_tracks: int
    mood_agreement: float | None
    theme_tracks: int
    theme_overlap: float | None
    top_theme_agreement: float | None
    furthest: tuple[Disagreement, ...]


@dataclass(slots=True)
class _Pair:
    """What both say of one track."""

    track_id: int
    title: str
    scores: dict[str, tuple[float, float]]
    moods: tuple[str, str] | None
    themes: tuple[dict[str, float], dict[str, float]] | None


def compare(conn: Connection, a: str, b: str, *, limit: int = 5000, furthest: int = 10) -> Agreement:
    """Compare the newest results of the present text of two analyzers, for the first `limit` tracks that have both."""
    pairs = list(_pairs(conn, a, b, limit))
    names = sorted({name for pair in pairs for name in pair.scores})
    scores = tuple(_score(name, pairs) for name in names)
    moods = [pair.moods for pair in pairs if pair.moods is not None]
    themes = [pair.themes for pair in pairs if pair.themes is not None]
    return Agreement(
        a=a,
        b=b,
        tracks=len(pairs),
        scores=scores,
        mood_tracks=len(moods),
        mood_agreement=_mean([float(one == other) for one, other in moods]),
        theme_tracks=len(themes),
        theme_overlap=_mean([_jaccard(one, other) for one, other in themes]),
        top_theme_agreement=_mean([float(_top(one) == _top(other)) for one, other in themes]),
        furthest=_furthest(pairs, names, furthest),
    )


def _pairs(conn: Connection, a: str, b: str, limit: int) -> Iterator[_Pair]:
    with conn.transaction(), conn.cursor("pairs") as cursor:
        cursor.itersize = _ROWS
        cursor.execute(_SQL["pairs"], {"a": a, "b": b, "limit": limit})
        for track_id, title, sentiment_a, confidence_a, data_a, sentiment_b, confidence_b, data_b in cursor:
            yield _pair(
                track_id,
                title,
                {**data_a, "sentiment_": sentiment_a, "confidence_": confidence_a},
                {**data_b, "sentiment_": sentiment_b, "confidence_": confidence_b},
            )


def _pair(track_id: int, title: str, a: Mapping[str, Any], b: Mapping[str, Any]) -> _Pair:
    figures_a, figures_b = dict(_figures(a)), dict(_figures(b))
    shared = {name: (figures_a[name], figures_b[name]) for name in figures_a.keys() & figures_b.keys()}
    themes = (_themes(a), _themes(b))
    if themes[0] is not None and themes[1] is not None:
        for name in themes[0].keys() | themes[1].keys():  # a theme that is not named has no weight
            shared[f"themes.{name}"] = (themes[0].get(name, 0.0), themes[1].get(name, 0.0))
    return _Pair(
        track_id,
        title,
        shared,
        _moods(a, b),
        None if themes[0] is None or themes[1] is None else (themes[0], themes[1]),
    )


def _figures(data: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Every number of nested objects by its dotted name; the underline that marks the result's own figures goes."""
    for name, value in data.items():
        if isinstance(value, Mapping):
            yield from _figures(cast("Mapping[str, Any]", value), f"{prefix}{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool) and name not in _NOT_COMPARED:
            yield f"{prefix}{name}".removesuffix("_"), float(value)


def _moods(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[str, str] | None:
    """What both call the mood, where both have the same kind of word for it."""
    for name in _MOODS:
        if isinstance(a.get(name), str) and isinstance(b.get(name), str):
            return a[name].casefold(), b[name].casefold()
    return None


def _themes(data: Mapping[str, Any]) -> dict[str, float] | None:
    """The themes by name with their weight, 1 where none is given; None where the analyzer looks for none."""
    listed = data.get("themes")
    if not isinstance(listed, list):
        return None
    found: dict[str, float] = {}
    for entry in cast("list[Any]", listed):
        if isinstance(entry, str):
            found[entry.casefold()] = 1.0
        elif isinstance(entry, Mapping) and isinstance(entry.get("theme"), str):
            found[entry["theme"].casefold()] = float(entry.get("weight") or 0.0)
    return found


def _score(name: str, pairs: list[_Pair]) -> ScoreAgreement:
    values = np.array([pair.scores[name] for pair in pairs if name in pair.scores], dtype=np.float64)
    a, b = values[:, 0], values[:, 1]
    return ScoreAgreement(
        score=name,
        tracks=len(values),
        pearson=_correlation(a, b),
        spearman=_correlation(_ranks(a), _ranks(b)),
        mean_difference=float(np.mean(b - a)),
        mean_distance=float(np.mean(np.abs(b - a))),
    )


def _correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float | None:
    if len(a) < _FEW or np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    return float(np.clip(np.corrcoef(a, b)[0, 1], -1, 1))


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 0; equal values share the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts) - 1
    return (last - (counts - 1) / 2)[inverse]


def _furthest(pairs: list[_Pair], names: list[str], count: int) -> tuple[Disagreement, ...]:
    spreads = {name: _spread(name, pairs) for name in names}
    ranked = [found for pair in pairs if (found := _disagreement(pair, spreads)) is not None]
    ranked.sort(key=lambda found: (-found.distance, found.track_id))
    return tuple(ranked[:count])


def _spread(name: str, pairs: list[_Pair]) -> float:
    return float(np.std([value for pair in pairs if name in pair.scores for value in pair.scores[name]]))


def _disagreement(pair: _Pair, spreads: Mapping[str, float]) -> Disagreement | None:
    distances = {
        name: abs(a - b) / spreads[name] for name, (a, b) in pair.scores.items() if spreads[name] > 0
    }
    if not distances:
        return None
    widest = max(sorted(distances), key=lambda name: distances[name])
    a, b = pair.scores[widest]
    return Disagreement(pair.track_id, pair.title, float(np.mean(list(distances.values()))), widest, a, b)


def _jaccard(a: Mapping[str, float], b: Mapping[str, float]) -> float:
    together = a.keys() | b.keys()
    return len(a.keys() & b.keys()) / len(together) if together else 1.0


def _top(themes: Mapping[str, float]) -> str | None:
    return max(sorted(themes), key=lambda name: themes[name]) if themes else None


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
