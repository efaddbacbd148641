"""Reads for serving: one track, lists of tracks and artists, figures of the collection.

Does not know HTTP: the caller turns `after` into a cursor of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from psycopg import AsyncConnection, sql
from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool

from rapray.domain import LARGEST_ID, ModelInfo, Provenance, TrackFilter
from rapray.store import queries
from rapray.store.analyses import get_analyses
from rapray.store.filters import conditions
from rapray.store.pool import acquired
from rapray.store.records import ArtistSummary, CorpusStats, StoredTrack, TrackSummary
from rapray.store.values import normalize_name, sections_of

Pool = AsyncConnectionPool[AsyncConnection]
_SQL = queries.load("read")


async def get_track(pool: Pool, track_id: int, current: Iterable[Provenance]) -> StoredTrack | None:
    """Everything that is stored of a track, None where there is none of this id; `current` as in `get_analyses`."""
    if not 1 <= track_id <= LARGEST_ID:
        return None
    async with acquired(pool) as conn:
        row = await (await conn.execute(_SQL["track"], {"id": track_id})).fetchone()
    if row is None:
        return None
    values: list[Any] = list(row)
    values[6], values[8] = tuple(values[6]), sections_of(values[7], values[8])
    return StoredTrack(*values, analyses=tuple(await get_analyses(pool, track_id, current)))


async def list_tracks(
    pool: Pool, filters: TrackFilter = TrackFilter(), *, after: int = 0, limit: int = 50
) -> list[TrackSummary]:
    """Tracks in order of their ids, from the first after `after`: the last id of a page asks for the next."""
    async with acquired(pool) as conn:
        where = await conditions(conn, filters)
        statement = _SQL["tracks"].format(where=where.sql)
        parameters = where.parameters | {"after": after, "limit": limit}
        rows = await (await conn.execute(statement, parameters)).fetchall()
    return [_summary(list(row)) for row in rows]


def _summary(row: list[Any]) -> TrackSummary:
    row[4] = tuple(row[4])
    return TrackSummary(*row)


async def list_artists(pool: Pool, *, after: int = 0, limit: int = 50) -> list[ArtistSummary]:
    """Artists in order of their ids, from the first after `after`."""
    return await _artists(pool, _SQL["artists"], {"after": after, "limit": limit})


async def find_artists(pool: Pool, name: str, *, limit: int = 10) -> list[ArtistSummary]:
    """Artists whose name is like `name`, the most alike first; forgives accents, case and typing errors."""
    return await _artists(pool, _SQL["artists_like"], {"name": normalize_name(name), "limit": limit})


async def _artists(pool: Pool, statement: sql.SQL, parameters: dict[str, Any]) -> list[ArtistSummary]:
    async with acquired(pool) as conn, conn.cursor(row_factory=class_row(ArtistSummary)) as cursor:
        await cursor.execute(statement, parameters)
        return await cursor.fetchall()


async def corpus_stats(pool: Pool) -> CorpusStats:
    """Figures of the whole collection; reads whole indexes, so keep the answer for a while."""
    async with acquired(pool) as conn, conn.cursor(row_factory=class_row(CorpusStats)) as cursor:
        await cursor.execute(_SQL["stats"])
        stats = await cursor.fetchone()
    assert stats is not None  # a select without FROM has one row
    return stats


async def find_model(pool: Pool, model: ModelInfo) -> int | None:
    """The id of a model that is registered, else None: then nothing was embedded with it."""
    parameters = {"kind": model.kind, "name": model.name, "revision": model.revision}
    async with acquired(pool) as conn:
        row = await (await conn.execute(_SQL["model"], parameters)).fetchone()
    return row[0] if row else None


async def server_versions(pool: Pool) -> dict[str, str | None]:
    """The versions of PostgreSQL and pgvector; also the cheapest proof that the database answers."""
    async with acquired(pool) as conn:
        row = await (await conn.execute(_SQL["versions"])).fetchone()
    return {"postgresql": row[0], "pgvector": row[1]} if row else {}
