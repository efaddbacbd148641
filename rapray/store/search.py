"""Searches by meaning: the passages nearest to a vector, folded to one hit a track and one a text.

Does not make the vector, and does not know words: only one model's vectors and the filters on tracks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray
from pgvector import HalfVector
from psycopg import AsyncConnection, sql
from psycopg_pool import AsyncConnectionPool

from rapray.domain import Section, TrackFilter
from rapray.errors import DatabaseUnsuitable
from rapray.store import queries
from rapray.store.filters import Conditions, conditions
from rapray.store.models import partition_of, vector_type
from rapray.store.pool import EF_SEARCH, acquired
from rapray.store.records import TrackSummary
from rapray.store.values import sections_of

_SQL = queries.load("search")
# Up to so many tracks, all their passages are compared: exact, and faster than a graph that has to be walked far
# to meet them. 2,000 tracks have about 18,000 passages.
_FEW_TRACKS = 2000
_PASSAGES_A_TRACK = 10  # that a track may take of the nearest before the next track is seen
_MOST_CANDIDATES = 20_000
# The walk looks at twice the passages that are taken: at 270,000 vectors in tight clusters 100 found 90 % of the true
# ten, 200 found 95 %, in the same time (benchmarks/search.py --tracks 30000 --passages 9). Beyond 400 it gets slow.
_WIDEST_WALK = 400
_EVERY_TRACK = sql.SQL("true")


@dataclass(frozen=True, slots=True)
class Hit:
    """A track that answers a search; scores are cosine similarities in [-1, 1].

    `passage` is the nearest of its passages: 0 is the whole track. `section_passage` is the nearest of its
    sections, what to show of it: passage n is section n - 1. None where the track has no section with a vector.
    """

    track: TrackSummary
    passage: int
    score: float
    section_passage: int | None
    section_score: float | None
    section: Section | None


@dataclass(frozen=True, slots=True)
class _Candidate:
    track_id: int
    passage: int
    distance: float
    group: int


async def search(
    pool: AsyncConnectionPool[AsyncConnection],
    model_id: int,
    vector: Sequence[float] | NDArray[np.float32],
    filters: TrackFilter = TrackFilter(),
    *,
    limit: int,
) -> list[Hit]:
    """The tracks that fit and are nearest to `vector`, the nearest first; of tracks with one text, the nearest alone.

    Uses the HNSW index where there is one and compares every vector where there is none. Vectors of a text
    that a track no longer has are left out.

    Raises:
        DatabaseUnsuitable: where the model has no vectors here, or vectors of another length.
    """
    asked = np.asarray(vector, dtype=np.float32)
    nearest = _Nearest(model_id, asked)
    async with acquired(pool) as conn, conn.transaction():
        try:
            await conn.execute(
                _SQL["settings"], {"ef_search": str(min(2 * _passages_for(limit), _WIDEST_WALK))}
            )
            candidates = await _best(conn, nearest, await conditions(conn, filters), limit)
            return await _hits(conn, nearest, candidates)
        except (psycopg.errors.UndefinedTable, psycopg.errors.DataException) as error:
            reason = f"it has no vectors of {len(asked)} dimensions by model {model_id}"
            raise DatabaseUnsuitable(reason=reason) from error


@dataclass(frozen=True, slots=True)
class _Nearest:
    """The two statements that find candidates, for one model and vector."""

    model_id: int
    vector: NDArray[np.float32]

    def statement(self, name: str, where: sql.Composable = _EVERY_TRACK) -> sql.Composed:
        return _SQL[name].format(
            partition=partition_of(self.model_id),
            model_id=sql.Literal(self.model_id),
            type=vector_type(len(self.vector)),
            where=where,
        )

    def parameters(self, **others: Any) -> dict[str, Any]:
        return {"vector": HalfVector(self.vector), **others}


async def _best(conn: AsyncConnection, nearest: _Nearest, where: Conditions, limit: int) -> list[_Candidate]:
    """The nearest passage of each of the `limit` nearest texts."""
    exact = await _selects_few(conn, where)
    passages = _passages_for(limit)
    while True:
        rows = await _candidates(conn, nearest, where, passages, exact=exact)
        folded = _folded(rows)
        is_all = len(rows) < passages
        if len(folded) >= limit or passages >= _MOST_CANDIDATES or (is_all and (exact or where.is_empty)):
            return folded[:limit]
        # A filter can leave the graph's walk at its end with too little; a long track can fill the list alone.
        exact = exact or is_all
        passages = min(passages * 4, _MOST_CANDIDATES)


def _passages_for(limit: int) -> int:
    return max(EF_SEARCH, limit * _PASSAGES_A_TRACK)


async def _selects_few(conn: AsyncConnection, where: Conditions) -> bool:
    if where.is_empty:
        return False
    statement = _SQL["count_up_to"].format(where=where.sql)
    row = await (await conn.execute(statement, where.parameters | {"most": _FEW_TRACKS + 1})).fetchone()
    return row is not None and row[0] <= _FEW_TRACKS


async def _candidates(
    conn: AsyncConnection, nearest: _Nearest, where: Conditions, passages: int, *, exact: bool
) -> list[_Candidate]:
    statement = nearest.statement("exact" if exact else "nearest", where.sql)
    parameters = nearest.parameters(passages=passages, **where.parameters)
    rows = await (await conn.execute(statement, parameters)).fetchall()
    return [_Candidate(*row) for row in rows]


def _folded(candidates: Sequence[_Candidate]) -> list[_Candidate]:
    best: dict[int, _Candidate] = {}
    for candidate in candidates:  # the nearest first
        best.setdefault(candidate.group, candidate)
    return list(best.values())


async def _hits(conn: AsyncConnection, nearest: _Nearest, candidates: Sequence[_Candidate]) -> list[Hit]:
    if not candidates:
        return []
    parameters = nearest.parameters(track_ids=[candidate.track_id for candidate in candidates])
    rows = await (await conn.execute(nearest.statement("details"), parameters)).fetchall()
    details = {row[0]: row for row in rows}
    return [
        _hit(candidate, details[candidate.track_id])
        for candidate in candidates
        if candidate.track_id in details
    ]


def _hit(candidate: _Candidate, row: tuple[Any, ...]) -> Hit:
    (*track, lyrics, sections, passage, distance) = row
    track[4] = tuple(track[4])
    hit = Hit(TrackSummary(*track), candidate.passage, 1 - candidate.distance, None, None, None)
    stored = sections_of(lyrics, sections)
    # The same words may have been split in another way since they were embedded: then there is nothing to show.
    if passage is None or not 1 <= passage <= len(stored):
        return hit
    return replace(hit, section_passage=passage, section_score=1 - distance, section=stored[passage - 1])
