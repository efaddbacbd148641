"""What a run spends on language models, and the limit that it keeps to.

Knows no price and no provider. PostgreSQL holds the sum, so that all workers of a run keep one limit, and a worker
that is killed leaves its reservation behind: too little is spent then, never too much.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from psycopg import Connection

from rapray.errors import CostLimitReached
from rapray.store import queries
from rapray.store.retry import RetryingConnection

_SQL = queries.load("costs")


@dataclass(frozen=True, slots=True)
class RunCost:
    """What one run has spent on one provider; `reserved_usd` is of requests on their way.

    Tokens and dollars are the most that there may be where a provider did not say; dollars are 0 without prices.
    """

    provider: str
    requests: int
    input_tokens: int
    output_tokens: int
    cost_usd: float
    reserved_usd: float


class RunBudget:
    """The account of one run, shared by all its workers.

    Safe to use from several threads, and picklable. It waits where PostgreSQL restarts: answers are paid by then.

    Args:
        database_url: of the database that the run writes to.
        run_id: the run.
        limit_usd: the most it may spend on each provider; None: no limit, and everything is counted all the same.
    """

    def __init__(self, database_url: str, run_id: UUID, limit_usd: float | None) -> None:
        self._database_url, self._run_id, self._limit_usd = database_url, run_id, limit_usd
        self._opened: RetryingConnection | None = None
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        """Workers get the account, not the connection."""
        return (RunBudget, (self._database_url, self._run_id, self._limit_usd))

    def reserve(self, provider: str, usd: float) -> UUID:
        """Set aside the most that a request may cost, and count the request; the name of what was set aside.

        Raises:
            CostLimitReached: the limit leaves no room for it; nothing is set aside then.
            DatabaseUnavailable: PostgreSQL stayed away for a minute.
        """
        reservation = uuid4()
        values = {"id": reservation, "run_id": self._run_id, "provider": provider, "usd": usd}
        if not self._run("reserve", values | {"limit_usd": self._limit_usd}):
            with self._lock:
                spent = sum(c.cost_usd + c.reserved_usd for c in self._costs() if c.provider == provider)
            raise CostLimitReached(provider=provider, spent_usd=round(spent, 6), limit_usd=self._limit_usd)
        return reservation

    def settle(self, reservation: UUID, *, cost_usd: float, input_tokens: int, output_tokens: int) -> None:
        """Put what a request did cost in the place of what was reserved for it.

        Raises:
            DatabaseUnavailable: PostgreSQL stayed away for a minute; the reservation stays.
        """
        used = {"input_tokens": input_tokens, "output_tokens": output_tokens, "cost_usd": cost_usd}
        self._run("settle", {"id": reservation, "requests": 0, **used})

    def release(self, reservation: UUID) -> None:
        """Give back what was reserved for a request that was never sent; it does not count. Raises as `settle`."""
        used = {"input_tokens": 0, "output_tokens": 0, "cost_usd": 0}
        self._run("settle", {"id": reservation, "requests": -1, **used})

    def _costs(self) -> list[RunCost]:
        return self._connection().run(lambda conn: of_run(conn, self._run_id))

    def _run(self, name: str, values: dict[str, Any]) -> bool:
        """Whether the query changed anything; each may run twice, as the reservation's id makes sure."""
        with self._lock:
            return self._connection().run(lambda conn: conn.execute(_SQL[name], values).rowcount > 0)

    def _connection(self) -> RetryingConnection:
        if self._opened is None:
            self._opened = RetryingConnection(self._database_url, application_name="rapray costs")
        return self._opened


def of_run(conn: Connection, run_id: UUID) -> list[RunCost]:
    """What a run has spent so far, by provider; empty where it has asked none."""
    return of_runs(conn, [run_id])[run_id]


def of_runs(conn: Connection, run_ids: Sequence[UUID]) -> dict[UUID, list[RunCost]]:
    """What each of these runs has spent so far, by provider."""
    found: dict[UUID, list[RunCost]] = {run_id: [] for run_id in run_ids}
    for run_id, *values in conn.execute(_SQL["of_runs"], {"run_ids": list(run_ids)}):
        found[run_id].append(RunCost(*values))
    return found
