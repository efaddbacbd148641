"""Which tracks a job still has to do, and their texts.

Does not know what embedding or analysing is: only which stored rows say that it was done for this text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from psycopg import Connection, sql

from rapray.domain import Lyric, Provenance
from rapray.store import queries
from rapray.store.ranges import KeyRange, by_index
from rapray.store.scope import Scope
from rapray.store.values import sections_of

_SQL = queries.load("due")
_FETCH_ROWS = 128  # lyrics of one list: about 300 kB


class DueQuery(Protocol):
    """What a job has to do: every track of `scope` that is not done, dead letters of `stage` left out."""

    @property
    def stage(self) -> str:
        """Where its failures are kept."""
        ...

    @property
    def scope(self) -> Scope:
        """The tracks that it is about."""
        ...

    @property
    def done(self) -> sql.SQL:
        """A query that has a row where the track `t` is done for its present text."""
        ...

    @property
    def values(self) -> dict[str, Any]:
        """The parameters of `done`."""
        ...


@dataclass(frozen=True, slots=True)
class DueEmbeddings:
    """Tracks without vectors of their present text by this model."""

    model_id: int
    stage: str
    scope: Scope = Scope()

    @property
    def done(self) -> sql.SQL:
        """The track has vectors."""
        return _SQL["embedded"]

    @property
    def values(self) -> dict[str, Any]:
        """The model."""
        return {"model_id": self.model_id}


@dataclass(frozen=True, slots=True)
class DueAnalyses:
    """Tracks of `scope` that have no result of this provenance for their present text."""

    provenance: Provenance
    scope: Scope = Scope()

    @property
    def stage(self) -> str:
        """Where its failures are kept."""
        return self.provenance.stage

    @property
    def done(self) -> sql.SQL:
        """The track has a result of this provenance."""
        return _SQL["analyzed"]

    @property
    def values(self) -> dict[str, Any]:
        """The provenance's digest; its analyzer, for `coverage`."""
        return {"digest": self.provenance.digest, "analyzer": self.provenance.analyzer}


@dataclass(frozen=True, slots=True)
class Standing:
    """Tracks of the collection: `done` for their present text, `failed` for good, and still `due`."""

    done: int
    failed: int
    due: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """How far an analyzer has come; each of `tracks` is in exactly one of the five.

    `done`: a result of the present text and of the query's provenance. `dead`: failed for good. `failed`: due again
    after a failure. `stale`: only results of another text or provenance. `untried`: no result yet.
    """

    tracks: int
    done: int
    stale: int
    failed: int
    dead: int
    untried: int


def count(conn: Connection, query: DueQuery) -> int:
    """How many tracks are due."""
    with by_index(conn):
        row = conn.execute(_filled("count", query), _parameters(query)).fetchone()
    return row[0] if row else 0


def standing(conn: Connection, query: DueQuery) -> Standing:
    """How many tracks are done, dead and due."""
    with by_index(conn):
        row = conn.execute(_filled("standing", query), _parameters(query)).fetchone()
    assert row is not None  # an aggregate has one row
    return Standing(*row)


def coverage(conn: Connection, query: DueAnalyses) -> Coverage:
    """How far an analyzer has come over the tracks of the query's scope."""
    with by_index(conn):
        row = conn.execute(_filled("coverage", query), _parameters(query)).fetchone()
    assert row is not None  # an aggregate has one row
    return Coverage(*row)


def due_ranges(
    conn: Connection, query: DueQuery, rows_per_range: int, limit: int | None = None
) -> list[KeyRange[int]]:
    """Cuts the tracks that are due into ranges of `rows_per_range`; the first `limit` of them if it is given."""
    parameters = _parameters(query) | {"rows": rows_per_range, "limit": limit}
    with by_index(conn):
        found = conn.execute(_filled("ranges", query), parameters).fetchall()
    return [KeyRange(lo, hi, rows) for lo, hi, rows in found]


def read_range(
    conn: Connection, query: DueQuery, key_range: KeyRange[int], rows_per_list: int = _FETCH_ROWS
) -> Iterator[list[Lyric]]:
    """The lyrics of a range that are still due, in order of their ids, a list at a time from the server."""
    parameters = _parameters(query) | {"lo": key_range.lo, "hi": key_range.hi}
    with by_index(conn), conn.cursor("due_lyrics") as cursor:
        cursor.execute(_filled("read", query), parameters)
        while rows := cursor.fetchmany(rows_per_list):
            yield [
                Lyric(str(track_id), lyrics, sections_of(lyrics, sections), content_hash, title, language)
                for track_id, lyrics, sections, content_hash, title, language in rows
            ]


def explain(conn: Connection, query: DueQuery, key_range: KeyRange[int] | None = None) -> str:
    """PostgreSQL's plan of `due_ranges`, or of `read_range` where a range is given."""
    name = "ranges" if key_range is None else "read"
    parameters = _parameters(query) | {"rows": 100, "limit": None}
    if key_range is not None:
        parameters |= {"lo": key_range.lo, "hi": key_range.hi}
    with by_index(conn):
        plan = conn.execute(sql.SQL("EXPLAIN ") + _filled(name, query), parameters).fetchall()
    return "\n".join(row[0] for row in plan)


def _filled(name: str, query: DueQuery) -> sql.Composed:
    return _SQL[name].format(done=query.done, scope=query.scope.condition)


def _parameters(query: DueQuery) -> dict[str, Any]:
    return {**query.values, "stage": query.stage, **query.scope.parameters}
