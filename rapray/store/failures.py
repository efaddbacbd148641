"""Failures as data: attempts and dead letters.

Does not know why something failed, nor how to try again: only that it is due again, or not any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection
from psycopg.rows import class_row

from rapray.domain import Failure
from rapray.store import queries
from rapray.store.ledger import stage as stage_rows
from rapray.text.storable import storable

_SQL = queries.load("failures")
_COLUMNS = {
    "ordinal": "int4",
    "stage": "text",
    "key": "text",
    "code": "text",
    "detail": "text",
    "content_hash": "text",
}
_LONGEST_DETAIL = 4000  # characters; a traceback's end says enough


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A failure as it is stored; it is tried again while `is_dead` is False."""

    stage: str
    key: str
    code: str
    detail: str
    content_hash: str | None
    attempts: int
    is_dead: bool
    first_seen_at: datetime
    last_seen_at: datetime


def record(conn: Connection, failures: Sequence[Failure], max_attempts: int) -> int:
    """Counts one more attempt of each; returns how many are dead now.

    Another text starts again at the first attempt. A dead letter stays dead until `retry` or another text.
    """
    if not failures:
        return 0
    rows = [
        (
            number,
            storable(f.stage),
            storable(f.key),
            storable(f.code),
            storable(f.detail)[-_LONGEST_DETAIL:],
            f.content_hash,
        )
        for number, f in enumerate(failures)
    ]
    with conn.transaction():
        stage_rows(conn, "staged_failures", _COLUMNS, rows)
        row = conn.execute(_SQL["record"], {"max_attempts": max_attempts}).fetchone()
    return row[0] if row else 0


def clear(conn: Connection, stage: str, done: Sequence[tuple[str, str | None]]) -> int:
    """Forgets the failures of what has now succeeded, (key, content hash) each; returns how many there were.

    A failure on another text stays; None is every text.
    """
    keys, hashes = [key for key, _ in done], [content_hash for _, content_hash in done]
    return conn.execute(_SQL["clear"], {"stage": stage, "keys": keys, "hashes": hashes}).rowcount


def list_(
    conn: Connection,
    *,
    stage: str | None = None,
    keys: Sequence[str] | None = None,
    dead_only: bool = True,
    limit: int = 100,
) -> list[DeadLetter]:
    """The latest failures, where they are given of one stage or those below it ("collect", "analyze/qwen") and of keys.

    Without `dead_only` also what will be tried again by itself.
    """
    with conn.cursor(row_factory=class_row(DeadLetter)) as cursor:
        wanted = None if keys is None else list(keys)
        parameters = {"stage": stage, "keys": wanted, "dead_only": dead_only, "limit": limit}
        return cursor.execute(_SQL["list"], parameters).fetchall()


def retry(conn: Connection, *, stage: str | None = None, keys: Sequence[str] | None = None) -> int:
    """Makes dead letters due again with all their attempts; returns how many.

    Args:
        conn: any connection.
        stage: of this stage and those below it alone.
        keys: of these keys alone.
    """
    parameters = {"stage": stage, "keys": None if keys is None else list(keys)}
    with conn.transaction():
        rows = conn.execute(_SQL["revive"], parameters).fetchall()
        conn.execute(
            _SQL["revive_songs"], {"stages": [row[0] for row in rows], "keys": [row[1] for row in rows]}
        )
    return len(rows)
