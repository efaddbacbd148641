"""Which tracks a caller wants, by artist, years and language, as SQL conditions.

Does not know what they are wanted for: search and lists share it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg import AsyncConnection, sql

from rapray.domain import TrackFilter
from rapray.store import queries
from rapray.store.values import normalize_name

_SQL = queries.load("filters")


@dataclass(frozen=True, slots=True)
class Conditions:
    """SQL over the alias `t` of `tracks`, with its parameters; `is_empty` where every track fits."""

    sql: sql.Composed
    parameters: dict[str, Any]
    is_empty: bool


async def conditions(conn: AsyncConnection, filters: TrackFilter) -> Conditions:
    """The filter as SQL; the artist's name is looked up first, so that the planner sees ids."""
    parts: list[sql.SQL] = []
    parameters: dict[str, Any] = {}
    if filters.artist is not None:
        parts.append(sql.SQL("t.artist_id = ANY (%(artist_ids)s)"))
        parameters["artist_ids"] = await artist_ids(conn, filters.artist)
    if filters.year_from is not None:
        parts.append(sql.SQL("t.release_year >= %(year_from)s"))
        parameters["year_from"] = filters.year_from
    if filters.year_to is not None:
        parts.append(sql.SQL("t.release_year <= %(year_to)s"))
        parameters["year_to"] = filters.year_to
    if filters.language is not None:
        parts.append(sql.SQL("t.language = %(language)s"))
        parameters["language"] = filters.language
    return Conditions(sql.SQL(" AND ").join(parts or [sql.SQL("true")]), parameters, is_empty=not parts)


async def artist_ids(conn: AsyncConnection, name: str) -> list[int]:
    """The ids of the artists of this name; where there is none, of the names most like it (a typing error)."""
    rows = await (await conn.execute(_SQL["artist_ids"], {"name": normalize_name(name)})).fetchall()
    return [row[0] for row in rows]
