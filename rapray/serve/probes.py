"""Checks of what the ingress needs, each with a time-out; what goes wrong becomes a state, never an exception.

Knows no Ray and no HTTP. A state's detail is an error code: it names no address and no secret.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from rapray import cache
from rapray.errors import ConnectionBudgetExceeded, DatabaseUnavailable, Overloaded, RaprayError
from rapray.serve.backend import DependencyHealth, Health
from rapray.store.pool import check_budget, connect
from rapray.telemetry import logger

log = logger(__name__)
PROBE_TIMEOUT_S = 5
MAX_AGE_S = 1.0


async def probed(name: str, check: Callable[[], Awaitable[str]], *, is_required: bool) -> DependencyHealth:
    """Run one check. It returns a version; what it raises becomes a state whose detail is an error code."""
    started = time.perf_counter()
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            version = await check()
    except Overloaded:
        return DependencyHealth(name, "degraded", is_required, "busy", seconds=time.perf_counter() - started)
    except TimeoutError:
        return DependencyHealth(name, "down", is_required, f"no answer within {PROBE_TIMEOUT_S} s")
    except RaprayError as error:
        log.warning("dependency down", dependency=name, code=error.code, detail=str(error))
        return DependencyHealth(name, "down", is_required, error.code)
    except Exception:
        log.exception("dependency check broke", dependency=name)
        return DependencyHealth(name, "down", is_required, "internal")
    return DependencyHealth(name, "up", is_required, "", version, time.perf_counter() - started)


class SharedCheck:
    """A check shared by all requests that arrive while it runs or within a second after it ended."""

    def __init__(self, check: Callable[[], Awaitable[Health]]) -> None:
        self._check = check
        self._running: asyncio.Task[Health] | None = None
        self._ended_at = 0.0

    async def latest(self) -> Health:
        """Return the running or most recent result, or start a new check if that is over a second old."""
        if self._running is None or (self._running.done() and time.monotonic() - self._ended_at > MAX_AGE_S):
            self._running = asyncio.create_task(self._timed())
        return await asyncio.shield(self._running)  # a disconnected client must not cancel it for the others

    def close(self) -> None:
        """Cancel the check that runs."""
        if self._running is not None:
            self._running.cancel()

    async def _timed(self) -> Health:
        try:
            return await self._check()
        finally:
            self._ended_at = time.monotonic()


def warn_without_room(database_url: str, needed: int) -> None:
    """Log it where PostgreSQL does not leave so many connections; a server that is down says so itself. Blocks."""
    try:
        with connect(database_url, application_name="rapray serve") as connection:
            check_budget(connection, needed, "RAPRAY_DATABASE__POOL_SIZE (or the replicas of the ingress)")
    except DatabaseUnavailable:
        return
    except ConnectionBudgetExceeded as error:
        log.error("too few database connections for this replica", code=error.code, detail=str(error))


def redis_version(url: str, timeout_s: float) -> str:
    """Name and version of the server; blocks."""
    client = cache.connect(url, timeout_s)
    try:
        return cache.server_version(client)
    finally:
        client.close()
