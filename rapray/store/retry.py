"""One connection of a job that outlives deadlocks, serialization failures and a restart of the server.

Does not know what is written: the work it repeats must be one transaction that may run twice (`ledger.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import TypeVar

import psycopg
import stamina
from psycopg import Connection

from rapray.errors import DatabaseUnavailable
from rapray.store.pool import address_of, connect, is_connection_lost, map_errors

Returned = TypeVar("Returned")


def is_transient(error: Exception) -> bool:
    """True where the same transaction may succeed when it is run again."""
    return isinstance(
        error, psycopg.errors.SerializationFailure | psycopg.errors.DeadlockDetected | DatabaseUnavailable
    ) or is_connection_lost(error)


class RetryingConnection:
    """A connection that is opened on first use and opened again when it is lost.

    Made inside the worker that uses it, used by one thread at a time, never pickled.

    Args:
        database_url: of the server.
        application_name: what `pg_stat_activity` shows.
        patience_s: how long a transaction is repeated before the error is raised; a restart with crash
            recovery takes seconds.
    """

    def __init__(self, database_url: str, *, application_name: str, patience_s: float = 60) -> None:
        self._database_url = database_url
        self._application_name = application_name
        self._patience_s = patience_s
        self._conn: Connection | None = None

    def run(self, work: Callable[[Connection], Returned]) -> Returned:
        """What `work` returns; it is called again, maybe on a new connection, while its errors are transient.

        Raises:
            DatabaseUnavailable: where the server stayed away for `patience_s`.
        """
        with map_errors(address_of(self._database_url)):
            for attempt in stamina.retry_context(
                on=is_transient, attempts=None, timeout=self._patience_s, wait_initial=0.1, wait_max=5
            ):
                with attempt:
                    return self._once(work)
        raise AssertionError  # stamina returns or raises; the type checker does not know

    def _once(self, work: Callable[[Connection], Returned]) -> Returned:
        conn = self._open()
        try:
            return work(conn)
        except psycopg.Error as error:
            if is_connection_lost(error) or conn.closed:
                self.close()
            raise

    def _open(self) -> Connection:
        if self._conn is None or self._conn.closed:
            self._conn = connect(self._database_url, application_name=self._application_name)
        return self._conn

    def close(self) -> None:
        """Closes the connection; a later `run` opens a new one."""
        conn, self._conn = self._conn, None
        if conn is not None:
            conn.close()

    def __enter__(self) -> RetryingConnection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
