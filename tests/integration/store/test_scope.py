"""Narrowing what is due, and counting how far an analyzer has come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest
from psycopg import Connection

from rapray.domain import Analysis, Failure, Provenance
from rapray.errors import UsageError
from rapray.store import analyses, due, failures
from rapray.store.due import DueAnalyses
from rapray.store.scope import NamedScope

PROVENANCE = Provenance("counting", "2", model="m", model_revision="r", prompt_version="p")
QUERY = DueAnalyses(PROVENANCE)
STAGE = QUERY.stage


def _result(track_id: int, content_hash: str, **provenance: str) -> Analysis:
    return Analysis(str(track_id), replace(PROVENANCE, **provenance), content_hash, {})


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (NamedScope(), {1, 2, 3, 4}),
        (NamedScope(artists=("ada flow",)), {1, 2}),
        (NamedScope(artists=("Ada Flow", "Büşra")), {1, 2, 3, 4}),
        (NamedScope(year_from=2001), {2, 3}),
        (NamedScope(year_from=2001, year_to=2001), {2}),
        (NamedScope(languages=("es",)), {3}),
        (NamedScope(artists=("busra",), languages=("es", "en")), {3, 4}),
        (NamedScope(artists=("ada flow",), languages=("es",)), set()),
    ],
)
def test_scope_narrows_due_work(
    conn: Connection,
    run_id: UUID,
    fetched: Callable[..., object],
    filters: NamedScope,
    expected: set[int],
) -> None:
    """Years are inclusive, several artists or languages are alternatives, and different fields must all hold."""
    from rapray.store import tracks

    stored = [
        fetched("1", release_year=1999, language="en"),
        fetched("2", release_year=2001, language="en"),
        fetched("3", release_year=2005, language="es", artist="Büşra", artist_id="b"),
        fetched("4", language="en", artist="Büşra", artist_id="b"),
    ]
    tracks.write_fetched(conn, run_id, stored, max_attempts=3, retry_delay_s=1)  # type: ignore[arg-type]
    ids = dict(conn.execute("SELECT id, source_id::int FROM tracks").fetchall())
    query = replace(QUERY, scope=filters.resolved(conn))
    ranges = due.due_ranges(conn, query, 2)
    found = [lyric for found in ranges for lyrics in due.read_range(conn, query, found) for lyric in lyrics]
    assert {ids[int(lyric.key)] for lyric in found} == expected
    assert due.count(conn, query) == len(expected)
    assert due.standing(conn, query).due == len(expected)
    assert due.coverage(conn, query).tracks == len(expected)


def test_scope_rejects_unknown_artist(conn: Connection, store_tracks: Callable[..., dict[str, int]]) -> None:
    """A typing error must not analyse somebody else."""
    store_tracks(1)
    with pytest.raises(UsageError, match="Ada Flo"):
        NamedScope(artists=("Ada Flo",)).resolved(conn)


def test_named_scope_omits_defaults() -> None:
    """What was left open is not in the run's parameters."""
    assert NamedScope(year_from=1999).as_json() == {"year_from": 1999}


def test_coverage_states_add_up(
    conn: Connection,
    run_id: UUID,
    store_tracks: Callable[..., dict[str, int]],
    hash_of: Callable[[int], str],
) -> None:
    """Done, stale by text, version, model and prompt, failed, dead, untried; they add up."""
    ids = list(store_tracks(10).values())
    fit = {track_id: _result(track_id, hash_of(track_id)) for track_id in ids}
    changed = [
        replace(fit[ids[1]], content_hash="other"),
        _result(ids[2], hash_of(ids[2]), version="1"),
        _result(ids[3], hash_of(ids[3]), model_revision="older"),
        _result(ids[4], hash_of(ids[4]), prompt_version="older"),
    ]
    analyses.write_analyses(conn, run_id, [fit[ids[0]], *changed])
    failed = [Failure(STAGE, str(ids[5]), "analysis_failed", "", hash_of(ids[5]))]
    # A stale result does not hide that its renewal failed, and a failure of another text is no failure of this one.
    failed.append(Failure(STAGE, str(ids[1]), "analysis_failed", "", hash_of(ids[1])))
    failed.append(Failure(STAGE, str(ids[7]), "analysis_failed", "", "other"))
    analyses.write_analyses(conn, run_id, [], failed=failed, max_attempts=3)
    dead = [Failure(STAGE, str(ids[6]), "analysis_failed", "", hash_of(ids[6]))]
    analyses.write_analyses(conn, run_id, [], failed=dead, max_attempts=1)
    found = due.coverage(conn, QUERY)
    assert (found.tracks, found.done, found.stale) == (10, 1, 3)
    assert (found.failed, found.dead, found.untried) == (2, 1, 3)
    assert found.done + found.stale + found.failed + found.dead + found.untried == found.tracks


def test_failures_by_stage_prefix(
    conn: Connection, run_id: UUID, store_tracks: Callable[..., dict[str, int]]
) -> None:
    """The stage "analyze" is all analyzers, "analyze/counting" all its versions, and no other name that begins alike."""
    del run_id
    store_tracks(1)
    stages = ["analyze/counting/1", "analyze/counting/2", "analyze/counting_more/1", "embed/model@r"]
    failures.record(conn, [Failure(stage, "1", "x", "") for stage in stages], max_attempts=1)

    def listed(stage: str | None) -> set[str]:
        return {letter.stage for letter in failures.list_(conn, stage=stage)}

    assert listed("analyze/counting") == set(stages[:2])
    assert listed("analyze") == set(stages[:3])
    assert listed("analyze/counting/2") == {stages[1]}
    assert failures.list_(conn, keys=["2"]) == []
    assert failures.retry(conn, stage="analyze/counting", keys=["1"]) == 2
    assert listed(None) == set(stages[2:])


def test_coverage_after_retry(
    conn: Connection, store_tracks: Callable[..., dict[str, int]], hash_of: Callable[[int], str]
) -> None:
    """Letters of another version or model are no failures of the present one."""
    old, other, present = store_tracks(3).values()
    stages = {
        old: replace(PROVENANCE, version="1").stage,
        other: replace(PROVENANCE, model="org/counting").stage,
        present: STAGE,
    }
    letters = [Failure(stage, str(key), "x", "", hash_of(key)) for key, stage in stages.items()]
    failures.record(conn, letters, max_attempts=1)
    found = due.coverage(conn, QUERY)
    assert (found.dead, found.failed, found.untried) == (1, 0, 2)
    assert {letter.key for letter in failures.list_(conn, stage="analyze/counting")} == set(map(str, stages))
    assert failures.retry(conn, stage=STAGE) == 1
    assert due.coverage(conn, QUERY).dead == 0
    assert failures.retry(conn, stage="analyze/counting") == 2
    assert failures.list_(conn) == []


def test_failures_list_due_songs(conn: Connection, run_id: UUID, fetched: Callable[..., object]) -> None:
    """A page that failed once is no dead letter yet, and still a failure for who asks for all."""
    from rapray.domain import Outcome
    from rapray.store import tracks

    page = fetched("9", Outcome.THROTTLED, detail="429")
    tracks.write_fetched(conn, run_id, [page], max_attempts=2, retry_delay_s=60)  # type: ignore[list-item]
    assert failures.list_(conn, stage="collect") == []
    [found] = failures.list_(conn, stage="collect", dead_only=False)
    assert (found.stage, found.key, found.code, found.is_dead) == ("collect/genius", "9", "throttled", False)
    later = [fetched("9", Outcome.THROTTLED, detail="429 again")]
    from rapray.store import runs

    tracks.write_fetched(conn, runs.start(conn, "test", {}), later, max_attempts=2, retry_delay_s=60)  # type: ignore[arg-type]
    [found] = failures.list_(conn, stage="collect", dead_only=False)
    assert found.is_dead
    assert failures.retry(conn, stage="collect/genius", keys=["9"]) == 1
    assert conn.execute("SELECT state FROM crawl WHERE source_id = '9'").fetchone() == ("due",)
