"""Writes what analyzers found, and reads a track's results.

Does not know what an analyzer measures: `data` is plain JSON.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from pgvector import HalfVector
from psycopg import AsyncConnection, Connection
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

from rapray.domain import Analysis, Failure, Provenance
from rapray.errors import AnalysisFailed
from rapray.store import failures, provenances, queries
from rapray.store.bounds import fitted
from rapray.store.ledger import batch_id, stage, write_once
from rapray.store.pool import acquired, know_vectors
from rapray.store.records import StoredAnalysis

_SQL = queries.load("analyses")
_COLUMNS = {
    "track_id": "int8",
    "provenance_id": "int4",
    "content_hash": "text",
    "sentiment": "float4",
    "confidence": "float4",
    "data": "jsonb",
    "analysis_embedding": "halfvec",
    "seconds": "float4",
    "input_tokens": "int4",
    "output_tokens": "int4",
    "cost_usd": "float8",
}


def write_analyses(
    conn: Connection,
    run_id: UUID,
    results: Sequence[Analysis],
    *,
    failed: Sequence[Failure] = (),
    max_attempts: int = 3,
) -> Counter[str]:
    """Stores the results of one task in one transaction, and its failures; a replay of it changes nothing.

    Results whose track is gone are left out. A result that cannot be stored (a figure out of its bounds, NaN)
    becomes a failure of its analyzer's stage.

    Returns:
        Counts of results: `new`, `changed`, `unchanged`, `vanished`, `failed`, `dead` (of the failed, those
        that will not be tried again).
    """
    fit, unfit = _sorted_out(results)
    all_failed = [*failed, *unfit]
    if not fit and not all_failed:
        return Counter()
    keys = ["analyze", *map(_batch_key, fit)]
    keys += [
        f"{failure.stage}\x1f{failure.key}\x1f{failure.content_hash}\x1f{failure.code}"
        for failure in all_failed
    ]

    def write(inside: Connection) -> Counter[str]:
        counts = _write(inside, fit) if fit else Counter[str]()
        counts["dead"] = failures.record(inside, all_failed, max_attempts)
        counts["failed"] = len(all_failed)
        analyzed: dict[str, list[tuple[str, str | None]]] = defaultdict(list)
        for result in fit:
            analyzed[result.provenance.stage].append((result.key, result.content_hash))
        for stage_ in sorted(analyzed):
            failures.clear(inside, stage_, analyzed[stage_])
        return counts

    return write_once(conn, run_id, batch_id(keys), write)


def _sorted_out(results: Sequence[Analysis]) -> tuple[list[Analysis], list[Failure]]:
    """What can be stored, and a failure of each of the others."""
    fit: list[Analysis] = []
    unfit: list[Failure] = []
    for result in results:
        try:
            fit.append(fitted(result))
        except AnalysisFailed as error:
            stage_ = result.provenance.stage
            unfit.append(Failure(stage_, result.key, error.code, str(error), result.content_hash))
    return fit, unfit


def _batch_key(result: Analysis) -> str:
    return "\x1f".join((result.key, result.content_hash, result.provenance.digest))


def _write(conn: Connection, results: Sequence[Analysis]) -> Counter[str]:
    know_vectors(conn)
    ids = provenances.ids_of(conn, {result.provenance for result in results})
    latest = {(int(result.key), ids[result.provenance]): result for result in results}
    stage(conn, "staged_analyses", _COLUMNS, (_row(*key, latest[key]) for key in sorted(latest)))
    row = conn.execute(_SQL["upsert"]).fetchone()
    assert row is not None
    new, changed, present = row
    counts = Counter({"new": new, "changed": changed, "unchanged": present - new - changed})
    counts["vanished"] = len(latest) - present
    return counts


def _row(track_id: int, provenance_id: int, result: Analysis) -> tuple[Any, ...]:
    return (
        track_id,
        provenance_id,
        result.content_hash,
        result.sentiment,
        result.confidence,
        Jsonb(result.data),
        None if result.embedding is None else HalfVector(list(result.embedding)),
        result.seconds,
        result.input_tokens,
        result.output_tokens,
        result.cost_usd,
    )


async def get_analyses(
    pool: AsyncConnectionPool[AsyncConnection], track_id: int, current: Iterable[Provenance]
) -> list[StoredAnalysis]:
    """Return a track's results by analyzer: the current one first, then the newest; empty without such a track.

    Args:
        pool: of the collection.
        track_id: any whole number.
        current: the provenances that the settings ask for.
    """
    statement = _SQL["of_track"].format(provenance=provenances.COLUMNS)
    parameters = {"track_id": track_id, "current": [provenance.digest for provenance in current]}
    async with acquired(pool) as conn, conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(statement, parameters)
        return [_stored(str(track_id), row) for row in await cursor.fetchall()]


def _stored(key: str, row: dict[str, Any]) -> StoredAnalysis:
    provenance = provenances.from_row(row)
    created_at, is_current = row.pop("created_at"), row.pop("is_current")
    return StoredAnalysis(Analysis(key, provenance, **row), created_at, is_current)
