"""The provenances of stored results: which there are, their ids, and dropping those that are not current.

Does not know which provenance is current: the caller takes it from the settings.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any

from psycopg import Connection, sql
from psycopg.rows import dict_row

from rapray.domain import Provenance
from rapray.store import queries
from rapray.store.values import storable_or_none

_SQL = queries.load("provenances")
_NAMES = [field.name for field in fields(Provenance)]
COLUMNS = sql.SQL(", ").join(sql.Identifier("p", name) for name in _NAMES)
"""The columns of a provenance in a query whose alias for the table is `p`."""


@dataclass(frozen=True, slots=True)
class StoredProvenance:
    """A provenance with the number of its stored results."""

    digest: str
    provenance: Provenance
    results: int


def from_row(row: dict[str, Any]) -> Provenance:
    """Take the columns of a provenance out of a row, and return the record."""
    return Provenance(**{name: row.pop(name) for name in _NAMES})


def ids_of(conn: Connection, provenances: Iterable[Provenance]) -> dict[Provenance, int]:
    """Return the ids of provenances; those that are not stored yet are added.

    None of them can be pruned before the caller's transaction ends.
    """
    by_digest = {provenance.digest: provenance for provenance in provenances}
    while True:  # one that was added here may be pruned before it is locked
        ids = dict(conn.execute(_SQL["ids"], {"digests": list(by_digest)}).fetchall())
        missing = sorted(by_digest.keys() - ids.keys())
        if not missing:
            return {by_digest[digest]: id_ for digest, id_ in ids.items()}
        for digest in missing:
            _add(conn, digest, by_digest[digest])


def _add(conn: Connection, digest: str, provenance: Provenance) -> None:
    statement = _SQL["add"].format(
        columns=sql.SQL(", ").join(map(sql.Identifier, _NAMES)),
        values=sql.SQL(", ").join(map(sql.Placeholder, _NAMES)),
    )
    values = {name: storable_or_none(value) for name, value in asdict(provenance).items()}
    conn.execute(statement, {"digest": digest, **values})


def list_(conn: Connection) -> list[StoredProvenance]:
    """Return every stored provenance, by analyzer, the oldest first."""
    with conn.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_SQL["list"].format(columns=COLUMNS)).fetchall()
    return [StoredProvenance(row["digest"], from_row(row), row["results"]) for row in rows]


def outdated(conn: Connection, current: Collection[Provenance]) -> list[StoredProvenance]:
    """Return the stored provenances of the analyzers of `current` that are not in it."""
    analyzers = {provenance.analyzer for provenance in current}
    digests = {provenance.digest for provenance in current}
    return [
        stored
        for stored in list_(conn)
        if stored.provenance.analyzer in analyzers and stored.digest not in digests
    ]


def prune(conn: Connection, current: Collection[Provenance]) -> list[StoredProvenance]:
    """Delete what `outdated` returns, with all results, and return it. Other analyzers are not touched."""
    parameters = {
        "analyzers": [provenance.analyzer for provenance in current],
        "current": [provenance.digest for provenance in current],
    }
    with conn.transaction():
        conn.execute(_SQL["lock"], parameters)
        dropped = outdated(conn, current)
        conn.execute(_SQL["prune"], parameters)
    return dropped
