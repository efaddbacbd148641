"""How far two analyzers agree, worked by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from psycopg import Connection

from rapray.domain import Analysis
from rapray.store import analyses
from rapray.store.compare import compare

Store = Callable[..., dict[str, int]]


def _stored(
    conn: Connection,
    run_id: UUID,
    analyzer: str,
    results: dict[int, tuple[float | None, dict[str, Any]]],
    hashes: Any,
) -> None:
    made = [
        Analysis(str(key), analyzer, "1", hashes(key), data, sentiment=sentiment)
        for key, (sentiment, data) in results.items()
    ]
    analyses.write_analyses(conn, run_id, made)


def test_compare_figures_moods_and_themes(
    conn: Connection, run_id: UUID, store_tracks: Store, hash_of: Callable[[int], str]
) -> None:
    """Correlations, shares and the widest gap are those that a hand calculates; what one alone has is left out."""
    one, two, three, four = store_tracks(4).values()
    a = {
        one: (0.1, {"energy": 1, "mood": "Calm", "themes": [{"theme": "love", "weight": 0.5}], "own": 1}),
        two: (0.2, {"energy": 2, "mood": "tense", "themes": [{"theme": "love", "weight": 0.5}]}),
        three: (0.3, {"energy": 3, "mood": "tense", "themes": ["city", "love"]}),
        four: (0.4, {"energy": 3}),
    }
    b = {
        one: (0.2, {"energy": 3, "mood": "calm", "themes": ["love"], "quality": {"reason": "x"}}),
        two: (0.4, {"energy": 2, "mood": "tense", "themes": ["city"]}),
        three: (0.6, {"energy": 1, "mood": "weary", "themes": ["city"], "is_long": True}),
    }
    _stored(conn, run_id, "a", a, hash_of)
    _stored(conn, run_id, "b", b, hash_of)
    found = compare(conn, "a", "b", furthest=2)
    assert found.tracks == 3
    scores = {score.score: score for score in found.scores}
    assert set(scores) == {"energy", "sentiment", "themes.love", "themes.city"}
    assert scores["sentiment"].pearson == pytest.approx(1)
    assert scores["sentiment"].mean_difference == pytest.approx(0.2, abs=1e-6)
    assert (scores["energy"].pearson, scores["energy"].spearman) == (pytest.approx(-1), pytest.approx(-1))
    assert (scores["energy"].mean_difference, scores["energy"].mean_distance) == (0, pytest.approx(4 / 3))
    assert (found.mood_tracks, found.mood_agreement) == (3, pytest.approx(2 / 3))
    assert (found.theme_tracks, found.theme_overlap) == (3, pytest.approx((1 + 0 + 0.5) / 3))
    assert found.top_theme_agreement == pytest.approx(2 / 3)
    assert [gap.track_id for gap in found.furthest] != []
    assert found.furthest[0].distance >= found.furthest[1].distance


def test_compare_leaves_out_results_of_another_text(
    conn: Connection, run_id: UUID, store_tracks: Store, hash_of: Callable[[int], str]
) -> None:
    """Two analyzers can only agree on the same words; nothing in common is no agreement and no error."""
    [one] = store_tracks(1).values()
    _stored(conn, run_id, "a", {one: (0.1, {})}, hash_of)
    _stored(conn, run_id, "b", {one: (0.1, {})}, lambda _: "older")
    found = compare(conn, "a", "b")
    assert (found.tracks, found.scores, found.mood_agreement, found.furthest) == (0, (), None, ())


def test_compare_figure_that_never_changes_has_no_correlation(
    conn: Connection, run_id: UUID, store_tracks: Store, hash_of: Callable[[int], str]
) -> None:
    """A constant correlates with nothing: None, and never NaN."""
    results = {key: (0.5, {}) for key in store_tracks(4).values()}
    _stored(conn, run_id, "a", results, hash_of)
    _stored(conn, run_id, "b", results, hash_of)
    [score] = compare(conn, "a", "b").scores
    assert (score.pearson, score.spearman, score.mean_distance) == (None, None, 0)
