"""Writing and reading what analyzers found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from psycopg import AsyncConnection, Connection
from psycopg_pool import AsyncConnectionPool

from rapray.domain import Analysis, Failure, Provenance
from rapray.store import analyses, failures, runs

PROVENANCE = Provenance("algorithmic", "1.0.0", "m", "r", "p", "0c")
STAGE = PROVENANCE.stage


def _analysis(track_id: int, **changes: Any) -> Analysis:
    made = Analysis(
        str(track_id),
        PROVENANCE,
        "h",
        {"words": 3},
        0.5,
        0.25,
        (0.5,) * 256,
        0.01,
        7,
        9,
    )
    return replace(made, **changes)


def _read(conn: Connection, stored: dict[str, int]) -> list[int]:
    """The ids of these tracks, whose text is now the one that `_analysis` has read."""
    conn.execute("UPDATE tracks SET content_hash = 'h'")
    return list(stored.values())


async def test_write_analyses_round_trips(
    conn: Connection,
    run_id: UUID,
    store_tracks: Callable[[int], dict[str, int]],
    pool: AsyncConnectionPool[AsyncConnection],
) -> None:
    """A result says where it came from, and whether it is of the present text."""
    [track_id] = _read(conn, store_tracks(1))
    assert analyses.write_analyses(conn, run_id, [_analysis(track_id)])["new"] == 1
    conn.execute("UPDATE tracks SET content_hash = 'another'")
    [found] = await analyses.get_analyses(pool, track_id, [PROVENANCE])
    assert found.analysis == replace(_analysis(track_id), embedding=None)
    assert not found.is_current
    assert await analyses.get_analyses(pool, track_id + 1, [PROVENANCE]) == []


def test_write_analyses_counts_changes(
    conn: Connection, run_id: UUID, store_tracks: Callable[[int], dict[str, int]]
) -> None:
    """Only another result is a change: other seconds are none."""
    one, two, gone = _read(conn, store_tracks(3))
    analyses.write_analyses(conn, run_id, [_analysis(one), _analysis(two)])
    conn.execute("DELETE FROM tracks WHERE id = %s", (gone,))
    batch = [_analysis(one, seconds=9.0), _analysis(two, data={"words": 4}), _analysis(gone)]
    later = runs.start(conn, "test", {})
    counts = analyses.write_analyses(conn, later, batch)
    assert counts == {"new": 0, "changed": 1, "unchanged": 1, "vanished": 1, "failed": 0, "dead": 0}


@pytest.mark.parametrize(
    "changes",
    [
        {"sentiment": 1.5},
        {"sentiment": float("nan")},
        {"confidence": -0.1},
        {"data": {"x": float("nan")}},
        {"embedding": (1.0,)},
        {"embedding": (65_505.0,) * 256},
        {"input_tokens": 2**31},
    ],
)
def test_write_analyses_bad_result(
    conn: Connection, run_id: UUID, store_tracks: Callable[[int], dict[str, int]], changes: dict[str, object]
) -> None:
    """What is out of bounds is never stored as if it were a result, and its batch goes on."""
    good, bad = _read(conn, store_tracks(2))
    counts = analyses.write_analyses(
        conn, run_id, [_analysis(good), _analysis(bad, **changes)], max_attempts=1
    )
    assert (counts["new"], counts["failed"], counts["dead"]) == (1, 1, 1)
    [letter] = failures.list_(conn)
    assert (letter.stage, letter.key, letter.content_hash) == (STAGE, str(bad), "h")


def test_write_analyses_replaces_nul(
    conn: Connection, run_id: UUID, store_tracks: Callable[[int], dict[str, int]]
) -> None:
    """PostgreSQL refuses NUL in jsonb; the rest of the result is worth keeping."""
    [track_id] = _read(conn, store_tracks(1))
    analyses.write_analyses(conn, run_id, [_analysis(track_id, data={"a\x00": ["b\x00", "\ud800"]})])
    assert conn.execute("SELECT data FROM analysis_results").fetchone() == (
        {"a\ufffd": ["b\ufffd", "\ufffd"]},
    )


def test_write_analyses_stale_text(
    conn: Connection, run_id: UUID, store_tracks: Callable[[int], dict[str, int]]
) -> None:
    """A slow answer about the former text takes neither the place of the present result nor its dead letter."""
    [track_id] = _read(conn, store_tracks(1))
    analyses.write_analyses(conn, run_id, [_analysis(track_id)])
    dead = Failure(STAGE, str(track_id), "analysis_failed", "no", "h")
    analyses.write_analyses(conn, runs.start(conn, "test", {}), [], failed=[dead], max_attempts=1)
    late = _analysis(track_id, content_hash="former", data={"words": 99})
    counts = analyses.write_analyses(conn, runs.start(conn, "test", {}), [late])
    assert (counts["changed"], counts["unchanged"], counts["vanished"]) == (0, 0, 1)
    assert conn.execute("SELECT data FROM analysis_results").fetchone() == ({"words": 3},)
    assert [letter.content_hash for letter in failures.list_(conn)] == ["h"]
