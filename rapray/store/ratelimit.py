"""The shared rate limit of outbound requests, kept in PostgreSQL where there is no Redis.

Does not wait and does not fetch: it says how long to wait. `rapray/cache/ratelimit.py` keeps the same contract.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

import psycopg
from psycopg import Connection, sql

from rapray.store import queries
from rapray.store.pool import address_of, connect, is_connection_lost, map_errors

_SQL = queries.load("ratelimit")


class PostgresRateLimiter:
    """One token bucket a host for all workers of all jobs (GCRA, by the server's clock).

    Holds one connection, opened on first use and again when it is lost. Safe to use from several threads.

    Args:
        database_url: of the database that all workers share.
        requests_per_second: to each host, over time.
        burst: requests that may leave at once after a pause.
    """

    def __init__(self, database_url: str, requests_per_second: float, burst: int) -> None:
        self._database_url = database_url
        self._interval_s = 1 / requests_per_second
        self._tolerance_s = (burst - 1) * self._interval_s
        self._lock = threading.Lock()
        self._conn: Connection | None = None

    def reserve(self, host: str) -> float:
        """Takes the next free moment for a request to `host`; returns the seconds until then.

        Raises:
            DatabaseUnavailable: nothing was taken then.
        """
        return max(0.0, float(self._execute("reserve", host, interval_s=self._interval_s)))

    def penalize(self, host: str, seconds: float) -> None:
        """Keeps everybody from `host` for `seconds` from now; never shortens what it was told before."""
        self._execute("penalize", host, seconds=max(0.0, seconds))

    def close(self) -> None:
        """Closes the connection; a later call opens another."""
        with self._lock:
            self._drop()

    def _execute(self, name: str, host: str, **values: float) -> float:
        parameters = {"host": host.lower(), "tolerance_s": self._tolerance_s, **values}
        with self._lock, map_errors(address_of(self._database_url)):
            try:
                return self._once(_SQL[name], parameters)
            except psycopg.Error as error:
                self._drop()
                if not is_connection_lost(error):
                    raise
                return self._once(_SQL[name], parameters)

    def _once(self, statement: sql.SQL, parameters: Mapping[str, object]) -> float:
        if self._conn is None or self._conn.closed:
            self._conn = connect(self._database_url, application_name="rapray rate limit")
        row = self._conn.execute(statement, parameters).fetchone()
        assert row is not None  # both statements return their one row
        return row[0]

    def _drop(self) -> None:
        conn, self._conn = self._conn, None
        if conn is not None:
            conn.close()
