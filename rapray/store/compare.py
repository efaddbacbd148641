"""How far two analyzers agree on the tracks that both have read.

Knows no analyzer: the caller says which members of `data` mean the same in both (`rapray.domain.Comparable`). Sentiment
always does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard, cast

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from rapray.domain import Comparable, Provenance
from rapray.store import queries

_SQL = queries.load("compare")
_FEW = 3  # tracks: below, a correlation says nothing
_ROWS = 50  # results of one fetch: some hold a megabyte


@dataclass(frozen=True, slots=True)
class ScoreAgreement:
    """One score that both give, over the `tracks` where both do.

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


@dataclass(frozen=True, slots=True)
class _Found:
    """What one result says of all that is compared."""

    scores: dict[str, float]
    mood: str | None
    themes: dict[str, float] | None


@dataclass(frozen=True, slots=True)
class _Pair:
    """What both say of one track."""

    track_id: int
    title: str
    scores: dict[str, tuple[float, float]]
    moods: tuple[str, str] | None
    themes: tuple[dict[str, float], dict[str, float]] | None


def compare(
    conn: Connection,
    a: str,
    b: str,
    shared: Comparable,
    *,
    current: Iterable[Provenance] = (),
    limit: int = 5000,
    furthest: int = 10,
) -> Agreement:
    """Compare two analyzers' results of the present texts, for the first `limit` tracks that have both.

    Of several results of an analyzer the one whose provenance is in `current` counts, else the newest.
    """
    parameters = {"a": a, "b": b, "limit": limit, "current": [provenance.digest for provenance in current]}
    pairs = list(_pairs(conn, parameters, shared))
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


def _pairs(conn: Connection, parameters: dict[str, Any], shared: Comparable) -> Iterator[_Pair]:
    members = [name.split(".")[0] for name in (*shared.scores, shared.mood, shared.themes) if name]
    with conn.transaction(), conn.cursor("pairs") as cursor:
        cursor.itersize = _ROWS
        cursor.execute(_SQL["pairs"], parameters | {"members": members})
        for track_id, title, sentiment_a, data_a, sentiment_b, data_b in cursor:
            found_a, found_b = _found(sentiment_a, data_a, shared), _found(sentiment_b, data_b, shared)
            yield _pair(track_id, title, found_a, found_b)


def _found(sentiment: float | None, data: Mapping[str, Any], shared: Comparable) -> _Found:
    named = [member for name in shared.scores for member in _members(data, name.split("."))]
    mood = data.get(shared.mood) if shared.mood else None
    return _Found(
        {name: float(value) for name, value in [*named, ("sentiment", sentiment)] if _is_figure(value)},
        mood.casefold() if isinstance(mood, str) else None,
        _themes(data.get(shared.themes)) if shared.themes else None,
    )


def _members(data: Any, path: Sequence[str], before: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every member at a dotted name, by its full name."""
    if not path:
        yield ".".join(before), data
    elif isinstance(data, Mapping):
        for name, value in cast("Mapping[str, Any]", data).items():
            if path[0] in ("*", name):
                yield from _members(value, path[1:], (*before, name))


def _is_figure(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _pair(track_id: int, title: str, a: _Found, b: _Found) -> _Pair:
    scores = {name: (a.scores[name], b.scores[name]) for name in a.scores.keys() & b.scores.keys()}
    moods = (a.mood, b.mood) if a.mood and b.mood else None
    if a.themes is None or b.themes is None:
        return _Pair(track_id, title, scores, moods, None)
    for name in a.themes.keys() | b.themes.keys():  # a theme that is not named has no weight
        scores[f"themes.{name}"] = (a.themes.get(name, 0.0), b.themes.get(name, 0.0))
    return _Pair(track_id, title, scores, moods, (a.themes, b.themes))


def _themes(listed: object) -> dict[str, float] | None:
    """The themes by name with their weight, 1 where none is given; None where the analyzer looks for none."""
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
