"""The shared rate limit in PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from psycopg import Connection

from rapray.errors import DatabaseUnavailable
from rapray.store.ratelimit import PostgresRateLimiter


def test_reserve_burst_then_intervals(database_url: str) -> None:
    """After a pause `burst` requests leave at once, then each waits one interval more; hosts do not share."""
    with closing(PostgresRateLimiter(database_url, 0.1, 3)) as limiter:
        waits = [limiter.reserve("a.test") for _ in range(6)]
        assert waits[:3] == [0, 0, 0]
        assert waits[3:] == pytest.approx([10, 20, 30], abs=1)
        assert limiter.reserve("b.test") == 0


def test_reserve_workers_never_share(database_url: str) -> None:
    """Forty reservations by four workers are forty different moments, an interval apart."""

    def worker(_: int) -> list[float]:
        with closing(PostgresRateLimiter(database_url, 0.01, 1)) as limiter:
            return [limiter.reserve("a.test") for _ in range(10)]

    with ThreadPoolExecutor(4) as threads:
        waits = sorted(wait for found in threads.map(worker, range(4)) for wait in found)
    assert waits == pytest.approx([100 * n for n in range(40)], abs=20)


def test_penalize_holds_everybody(database_url: str) -> None:
    """One worker's 429 slows all; a shorter one later does not let them go earlier; no burst follows."""
    with (
        closing(PostgresRateLimiter(database_url, 1, 5)) as one,
        closing(PostgresRateLimiter(database_url, 1, 5)) as other,
    ):
        one.penalize("A.test", 100)
        one.penalize("a.test", 10)
        assert [other.reserve("a.test") for _ in range(3)] == pytest.approx([100, 101, 102], abs=0.9)


def test_reserve_reconnects_after_loss(database_url: str, conn: Connection) -> None:
    """A restart of the server costs a reconnect, not the fetch."""
    with closing(PostgresRateLimiter(database_url, 1000, 1)) as limiter:
        limiter.reserve("a.test")
        conn.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'rapray rate limit' AND datname = current_database()"
        )
        limiter.reserve("a.test")


def test_reserve_server_away_raises(database_url: str) -> None:
    """The caller decides what to do without a limit."""
    with (
        closing(PostgresRateLimiter("postgresql://127.0.0.1:1/x", 1, 1)) as limiter,
        pytest.raises(DatabaseUnavailable),
    ):
        limiter.reserve("a.test")
