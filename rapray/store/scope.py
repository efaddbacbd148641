"""Which tracks a job is about: artists, years, languages, as conditions of the queries for what is due.

Does not read a filter's text: the command line does. Knows ids of artists, so that a worker asks for no name again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from psycopg import Connection, sql

from rapray.errors import UsageError
from rapray.store import queries
from rapray.store.values import normalize_name

_SQL = queries.load("scope")
_CONDITIONS = {
    "artist_ids": _SQL["artist_ids"],
    "year_from": _SQL["year_from"],
    "year_to": _SQL["year_to"],
    "languages": _SQL["languages"],
}


@dataclass(frozen=True, slots=True)
class Scope:
    """Conditions on tracks that must all hold; None leaves a field open.

    A track is of one of `artist_ids` and in one of `languages`; the years are inclusive, and a year asked for leaves
    out tracks without one.
    """

    artist_ids: tuple[int, ...] | None = None
    year_from: int | None = None
    year_to: int | None = None
    languages: tuple[str, ...] | None = None

    @property
    def condition(self) -> sql.SQL | sql.Composed:
        """SQL over the alias `t` of `tracks`; its values are `parameters`."""
        wanted = [name for name, value in asdict(self).items() if value is not None]
        return sql.SQL(" AND ").join(_CONDITIONS[name] for name in wanted) if wanted else sql.SQL("true")

    @property
    def parameters(self) -> dict[str, Any]:
        """The values of `condition`."""
        return {
            name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()
        }


@dataclass(frozen=True, slots=True)
class NamedScope:
    """A scope as a person says it, with the names of artists; all must hold, of several names or languages one."""

    artists: tuple[str, ...] = ()
    year_from: int | None = None
    year_to: int | None = None
    languages: tuple[str, ...] = ()

    def resolved(self, conn: Connection) -> Scope:
        """The scope, with every artist's id looked up. Accents, case and punctuation aside, names must be equal.

        Raises:
            UsageError: the collection has no artist of one of the names.
        """
        ids = artist_ids(conn, self.artists) if self.artists else None
        return Scope(ids, self.year_from, self.year_to, self.languages or None)

    def as_json(self) -> dict[str, Any]:
        """What was asked for, without what was left open."""
        return {name: value for name, value in asdict(self).items() if value not in (None, ())}


EVERY_TRACK = NamedScope()


def artist_ids(conn: Connection, names: Sequence[str]) -> tuple[int, ...]:
    """The ids of the artists of these names, accents, case and punctuation aside; never of one that is only like it.

    Raises:
        UsageError: the collection has no artist of one of the names.
    """
    found: set[int] = set()
    for name in names:
        rows = conn.execute(_SQL["artists"], {"name": normalize_name(name)}).fetchall()
        if not rows:
            raise UsageError(reason=f"the collection has no artist {name!r}")
        found.update(row[0] for row in rows)
    return tuple(sorted(found))
