"""What made stored results: digests, results side by side, and dropping what is not current."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, replace
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import AsyncConnection, Connection
from psycopg_pool import AsyncConnectionPool

from rapray.domain import Analysis, Comparable, Provenance
from rapray.store import analyses, due, provenances, runs
from rapray.store.compare import compare
from rapray.store.due import DueAnalyses

OLD = Provenance("mood", "1", "org/m", "r1", "v1", None)
NEW = replace(OLD, prompt_version="v2")
OTHER = Provenance("rules", "1")
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=30)
Store = Callable[..., dict[str, int]]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.builds(Provenance, TEXT, TEXT, *([st.none() | TEXT] * 4)))
def test_digest_python_equals_sql(conn: Connection, provenance: Provenance) -> None:
    """For any text that PostgreSQL can hold, quotes, control characters and missing values included."""
    array = "jsonb_build_array(%s::text, %s::text, %s::text, %s::text, %s::text, %s::text)::text"
    digest = f"SELECT left(encode(sha256(convert_to({array}, 'UTF8')), 'hex'), 32)"
    assert conn.execute(digest, astuple(provenance)).fetchone() == (provenance.digest,)  # type: ignore[call-overload]


@pytest.fixture
def track_id(conn: Connection, run_id: UUID, store_tracks: Store, hash_of: Callable[[int], str]) -> int:
    """A track with a result of each of the three provenances; the old prompt's is the newest."""
    [track] = store_tracks(1).values()
    for provenance in (OTHER, NEW, OLD):
        result = Analysis(str(track), provenance, hash_of(track), {}, float(provenance == OLD))
        analyses.write_analyses(conn, run_id, [result])
    return track


def test_results_side_by_side(conn: Connection, track_id: int, hash_of: Callable[[int], str]) -> None:
    """Another prompt takes no result's place: to go back to the former one makes nothing due."""
    for provenance in (OLD, NEW):
        assert due.count(conn, DueAnalyses(provenance)) == 0
    assert due.count(conn, DueAnalyses(replace(OLD, parameters="0c"))) == 1
    both = [Analysis(str(track_id), one, hash_of(track_id), {"n": 1}) for one in (OLD, NEW)]
    counts = analyses.write_analyses(conn, runs.start(conn, "test", {}), both)
    assert (counts["new"], counts["changed"], counts["vanished"]) == (0, 2, 0)


async def test_current_result_first(
    conn: Connection, pool: AsyncConnectionPool[AsyncConnection], track_id: int
) -> None:
    """The provenance of the settings before the newest result; of another text it is not current."""

    async def order(*current: Provenance) -> list[tuple[Provenance, bool]]:
        stored = await analyses.get_analyses(pool, track_id, current)
        return [(one.analysis.provenance, one.is_current) for one in stored]

    assert await order(NEW) == [(NEW, True), (OLD, False), (OTHER, False)]
    assert await order() == [(OLD, False), (NEW, False), (OTHER, False)]
    conn.execute("UPDATE tracks SET content_hash = 'another'")
    assert await order(NEW) == [(OLD, False), (NEW, False), (OTHER, False)]


def test_compare_prefers_current(conn: Connection, track_id: int) -> None:
    """Of two results of one analyzer the current one is compared."""
    del track_id
    for current, difference in (([], -1.0), ([NEW], 0.0)):
        agreement = compare(conn, "mood", "rules", Comparable(), current=current)
        assert [score.mean_difference for score in agreement.scores] == [difference]


def test_prune_keeps_current_and_unknown(conn: Connection, track_id: int) -> None:
    """Only other provenances of the analyzers of the current ones go, and their results with them."""
    stored = provenances.list_(conn)
    assert {(one.provenance, one.digest, one.results) for one in stored} == {
        (one, one.digest, 1) for one in (OLD, NEW, OTHER)
    }
    expected = [provenances.StoredProvenance(OLD.digest, OLD, 1)]
    assert provenances.outdated(conn, [NEW]) == expected
    assert provenances.prune(conn, [NEW]) == expected
    assert provenances.prune(conn, [NEW]) == []
    left = conn.execute(
        "SELECT r.track_id, p.digest FROM analysis_results r JOIN provenances p ON p.id = r.provenance_id"
    ).fetchall()
    assert set(left) == {(track_id, NEW.digest), (track_id, OTHER.digest)}


def test_prune_never_written_provenance(conn: Connection, track_id: int) -> None:
    """A prompt that has just been changed: all former results go before the first new one is there."""
    del track_id
    newest = replace(NEW, prompt_version="v3")
    assert {one.provenance for one in provenances.prune(conn, [newest])} == {OLD, NEW}
