"""What a run spends on language models, and the limit that it keeps to.

Knows no price and no provider. PostgreSQL holds the sum, so that all workers of a run keep one limit, and a worker
that is killed leaves its reservation behind: too little is spent then, never too much.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Connection
from psycopg.rows import class_row

from rapray.errors import CostLimitReached
from rapray.store import queries
from rapray.store.pool import address_of, connect, is_connection_lost, translated

_SQL = queries.load("costs")


@dataclass(frozen=True, slots=True)
class RunCost:
    """What one run has spent on one provider; `reserved_usd` is of requests on their way."""

    provider: str
    requests: int
    input_tokens: int
    output_tokens: int
    cost_usd: float
    reserved_usd: float


class RunBudget:
    """The account of one run, shared by all its workers.

    Safe to use from several threads, and picklable.

    Args:
        database_url: of the database that the run writes to.
        run_id: the run.
        limit_usd: the most it may spend on each provider; None: no limit, and everything is counted all the same.
    """

    def __init__(self, database_url: str, run_id: UUID, limit_usd: float | None) -> None:
        self._database_url, self._run_id, self._limit_usd = database_url, run_id, limit_usd
        self._conn: Connection | None = None
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        """Workers get the account, not the connection."""
        return (RunBudget, (self._database_url, self._run_id, self._limit_usd))

    def reserve(self, provider: str, usd: float) -> None:
        """Set aside the most that a request may cost.

        Raises:
            CostLimitReached: the limit leaves no room for it; nothing is set aside then.
        """
        values = {"provider": provider, "usd": usd, "limit_usd": self._limit_usd}
        if not self._execute("reserve", values):
            spent = sum(c.cost_usd + c.reserved_usd for c in self._costs() if c.provider == provider)
            raise CostLimitReached(provider=provider, spent_usd=round(spent, 6), limit_usd=self._limit_usd)

    def settle(
        self,
        provider: str,
        *,
        reserved_usd: float,
        cost_usd: float,
        input_tokens: int,
        output_tokens: int,
        requests: int = 1,
    ) -> None:
        """Put what a request did cost in the place of what was reserved for it."""
        used = {"requests": requests, "input_tokens": input_tokens, "output_tokens": output_tokens}
        costs = {"reserved_usd": reserved_usd, "cost_usd": cost_usd}
        self._execute("settle", {"provider": provider, **used, **costs})

    def _costs(self) -> list[RunCost]:
        with connect(self._database_url, application_name="rapray costs") as conn:
            return of_run(conn, self._run_id)

    def _execute(self, name: str, values: dict[str, Any]) -> bool:
        parameters = {"run_id": self._run_id, **values}
        with self._lock, translated(address_of(self._database_url)):
            try:
                return self._once(name, parameters)
            except psycopg.Error as error:
                self._drop()
                if not is_connection_lost(error):
                    raise
                return self._once(name, parameters)

    def _once(self, name: str, parameters: dict[str, Any]) -> bool:
        if self._conn is None or self._conn.closed:
            self._conn = connect(self._database_url, application_name="rapray costs")
        return self._conn.execute(_SQL[name], parameters).rowcount > 0

    def _drop(self) -> None:
        conn, self._conn = self._conn, None
        if conn is not None:
            conn.close()


def of_run(conn: Connection, run_id: UUID) -> list[RunCost]:
    """What a run has spent so far, by provider; empty where it has asked none."""
    with conn.cursor(row_factory=class_row(RunCost)) as cursor:
        cursor.execute(_SQL["of_run"], {"run_id": run_id})
        return cursor.fetchall()
