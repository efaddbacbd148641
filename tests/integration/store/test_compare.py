"""How far two analyzers agree, worked by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from psycopg import Connection

from rapray.analyzers import Analyzer, create, spec
from rapray.analyzers.llm.schema import Quality
from rapray.config import EmotionSettings, Settings
from rapray.domain import Analysis, Comparable, Lyric, Provenance
from rapray.ml.labelled import EKMAN
from rapray.samples.corpus import songs
from rapray.store import analyses
from rapray.store.compare import Agreement, compare
from rapray.text.sections import split_sections
from tests.support.hostile import HostileServer, describing
from tests.support.qwen import settings_for

Store = Callable[..., dict[str, int]]


def _stored(
    conn: Connection,
    run_id: UUID,
    analyzer: str,
    results: dict[int, tuple[float | None, dict[str, Any]]],
    hashes: Any,
) -> None:
    made = [
        Analysis(str(key), Provenance(analyzer, "1"), hashes(key), data, sentiment=sentiment)
        for key, (sentiment, data) in results.items()
    ]
    analyses.write_analyses(conn, run_id, made)


def test_compare_figures_and_themes(
    conn: Connection, run_id: UUID, store_tracks: Store, hash_of: Callable[[int], str]
) -> None:
    """Correlations, shares and the widest gap are those that a hand calculates; what one alone has, and what nobody names, is left out."""
    one, two, three, four = store_tracks(4).values()
    a = {
        one: (
            0.1,
            {
                "energy": 0.1,
                "mood": "Calm",
                "themes": [{"theme": "love", "weight": 0.5}],
                "own": 1,
                "words": 9,
            },
        ),
        two: (
            0.2,
            {"energy": 0.2, "mood": "tense", "themes": [{"theme": "love", "weight": 0.5}], "words": 8},
        ),
        three: (
            0.3,
            {"energy": 0.3, "mood": "tense", "themes": ["city", "love"], "quality": {"depth": True}},
        ),
        four: (0.4, {"energy": 0.3}),
    }
    b = {
        one: (0.2, {"energy": 0.3, "mood": "calm", "themes": ["love"], "quality": {"depth": 1}, "words": 9}),
        two: (0.4, {"energy": 0.2, "mood": "tense", "themes": ["city"], "words": 8}),
        three: (0.6, {"energy": 0.1, "mood": "weary", "themes": ["city"], "quality": {"depth": 1}}),
    }
    _stored(conn, run_id, "a", a, hash_of)
    _stored(conn, run_id, "b", b, hash_of)
    found = compare(conn, "a", "b", Comparable(("energy", "quality.*", "own"), "mood", "themes"), furthest=2)
    assert found.tracks == 3
    scores = {score.score: score for score in found.scores}
    assert set(scores) == {"energy", "sentiment", "themes.love", "themes.city"}
    assert scores["sentiment"].pearson == pytest.approx(1)
    assert scores["sentiment"].mean_difference == pytest.approx(0.2, abs=1e-6)
    assert (scores["energy"].pearson, scores["energy"].spearman) == (pytest.approx(-1), pytest.approx(-1))
    assert scores["energy"].mean_difference == pytest.approx(0)
    assert scores["energy"].mean_distance == pytest.approx(0.4 / 3)
    assert (found.mood_tracks, found.mood_agreement) == (3, pytest.approx(2 / 3))
    assert (found.theme_tracks, found.theme_overlap) == (3, pytest.approx((1 + 0 + 0.5) / 3))
    assert found.top_theme_agreement == pytest.approx(2 / 3)
    assert [gap.track_id for gap in found.furthest] != []
    assert found.furthest[0].distance >= found.furthest[1].distance


def test_compare_ignores_stale_results(
    conn: Connection, run_id: UUID, store_tracks: Store, hash_of: Callable[[int], str]
) -> None:
    """Two analyzers can only agree on the same words; nothing in common is no agreement and no error."""
    [one] = store_tracks(1).values()
    _stored(conn, run_id, "a", {one: (0.1, {})}, hash_of)
    _stored(conn, run_id, "b", {one: (0.1, {})}, lambda _: "older")
    found = compare(conn, "a", "b", Comparable())
    assert (found.tracks, found.scores, found.mood_agreement, found.furthest) == (0, (), None, ())


def test_compare_constant_figure(
    conn: Connection, run_id: UUID, store_tracks: Store, hash_of: Callable[[int], str]
) -> None:
    """A constant correlates with nothing: None, and never NaN."""
    results = {key: (0.5, {}) for key in store_tracks(4).values()}
    _stored(conn, run_id, "a", results, hash_of)
    _stored(conn, run_id, "b", results, hash_of)
    [score] = compare(conn, "a", "b", Comparable()).scores
    assert (score.pearson, score.spearman, score.mean_distance) == (None, None, 0)


def _analysed(analyzer: Analyzer, hashes: dict[int, str]) -> list[Analysis]:
    lyrics = [
        Lyric(str(key), song.lyrics, split_sections(song.lyrics), hashes[key], song.title)
        for key, song in zip(hashes, songs(), strict=False)
    ]
    return [outcome for outcome in analyzer.analyze(lyrics) if isinstance(outcome, Analysis)]


def test_compare_declared_members_only(
    conn: Connection, run_id: UUID, store_tracks: Store, hash_of: Callable[[int], str]
) -> None:
    """Scores that mean the same, moods and themes: no count, length, position, second or confidence of anybody's own.

    Against itself an analyzer shows that all it declares is in its results.
    """
    hashes = {key: hash_of(key) for key in store_tracks(4).values()}
    emotion = Settings(emotion=EmotionSettings(model="builtin", device="cpu"))
    with HostileServer(describing) as server:
        made_by = {"algorithmic": Settings(), "emotion": emotion, "qwen": settings_for(server)}
        for name, settings in made_by.items():
            analyses.write_analyses(conn, run_id, _analysed(create(name, settings), hashes))

    def agreement(a: str, b: str) -> Agreement:
        return compare(conn, a, b, spec(a).comparable & spec(b).comparable)

    def names(found: Agreement) -> set[str]:
        return {one.score for one in found.scores if not one.score.startswith("themes.")}

    assert agreement("algorithmic", "emotion").tracks == 4
    for other in ("algorithmic", "qwen"):
        found = agreement(other, "emotion")
        assert (names(found), found.mood_tracks, found.theme_tracks) == ({"sentiment"}, 0, 0)
    found = agreement("algorithmic", "qwen")
    assert (names(found), found.mood_tracks, found.theme_tracks) == ({"sentiment"}, 0, 4)
    found = agreement("emotion", "emotion")
    assert (found.mood_agreement, found.theme_tracks) == (1, 0)
    assert names(found) == {"sentiment", *(f"labels.{label}" for label in EKMAN)}
    found = agreement("qwen", "qwen")
    assert (found.mood_agreement, found.theme_overlap) == (1, 1)
    assert names(found) == {
        "sentiment",
        "energy",
        *(f"quality.{name}.score" for name in Quality.model_fields),
    }
