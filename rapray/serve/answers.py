"""One analyzer's answer, from the cache of a day or from the analyzer; and a track's answers into the collection.

Knows neither HTTP nor Ray.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from rapray.cache.results import ResultCache
from rapray.domain import Analysis, Failure, Lyric
from rapray.serve.backend import Answer
from rapray.serve.late import Late
from rapray.serve.roster import Roster
from rapray.store import analyses, runs
from rapray.store.pool import address_of, connect, map_errors
from rapray.telemetry import metric

JOB = "analyze over HTTP"
APPLICATION_NAME = "rapray serve"
Ask = Callable[[str, Lyric], Awaitable[Analysis | Failure]]


class Answers:
    """Asks the cache first; keeps results, never failures. Without a cache every answer is made anew.

    What a remote analyzer answers too late goes into the cache when it comes: it is paid for.
    """

    def __init__(self, roster: Roster, ask: Ask) -> None:
        self._roster, self._ask = roster, ask
        self._cache: ResultCache | None = None
        self._late = Late()

    @property
    def has_cache(self) -> bool:
        """True from `use` on."""
        return self._cache is not None

    def use(self, cache: ResultCache) -> None:
        """Look into this cache from now on."""
        self._cache = cache

    async def close(self) -> None:
        """Give up what is late, and close the cache."""
        await self._late.close()
        if self._cache is not None:
            await self._cache.close()

    async def analyze(self, name: str, lyric: Lyric) -> Answer:
        """One analyzer's answer. Raises what the analyzer raises."""
        key = await self._key(name, lyric)
        if key is None or self._cache is None:
            return Answer(await self._ask(name, lyric))
        if (late := await self._late.find(name, lyric)) is not None:
            return late
        known = await self._cache.get(key, lyric.key)
        is_hit = known is not None and self._is_for(known, name, lyric)
        metric("rapray_result_cache_total").labels(result="hit" if is_hit else "miss").inc()
        if known is not None and is_hit:
            return Answer(known, is_cached=True)
        outcome = await self._ask(name, lyric)
        if isinstance(outcome, Analysis) and self._is_for(outcome, name, lyric):
            await self._cache.put(key, outcome)
        return Answer(outcome)

    def leave(self, name: str, lyric: Lyric, asked: asyncio.Task[Answer]) -> None:
        """Nobody waits for this `analyze` any more: it goes on where its answer costs money and can be kept."""
        if self._cache is not None and name in self._roster.remote:
            self._late.keep(name, lyric, asked)
        else:
            asked.cancel()

    def _is_for(self, result: Analysis, name: str, lyric: Lyric) -> bool:
        """True where a result is this analyzer's, as it is known here, for this text."""
        origin = (result.provenance.analyzer, result.content_hash)
        return origin == (name, lyric.content_hash) and self._roster.is_as_expected(result)

    async def _key(self, name: str, lyric: Lyric) -> str | None:
        if self._cache is None:
            return None
        if len(lyric.lyrics) > _THREAD_ABOVE_CHARS:
            return await asyncio.to_thread(self._roster.cache_key, name, lyric)
        return self._roster.cache_key(name, lyric)


_THREAD_ABOVE_CHARS = 200_000  # hashing more would hold up the event loop for a millisecond


def store(
    database_url: str,
    results: Sequence[Analysis],
    failures: Sequence[Failure],
    *,
    max_attempts: int,
    timeout_s: float,
) -> list[str]:
    """Write one track's answers under a run of their own, all or nothing; the analyzers whose result is stored now.

    Args:
        database_url: of the collection.
        results: of one track.
        failures: of the same.
        max_attempts: the last failure is a dead letter.
        timeout_s: longest wait for one statement: a request must not wait for somebody else's lock without end.

    Raises:
        DeadlineExceeded: a statement took too long.
        DependencyError: PostgreSQL cannot be used, or does not take writes now.
    """
    with (
        map_errors(address_of(database_url), writes=True),
        connect(database_url, application_name=APPLICATION_NAME) as connection,
        connection.transaction(),
    ):
        connection.execute("SELECT set_config('statement_timeout', %s, true)", [f"{timeout_s * 1000:.0f}ms"])
        run_id = runs.start(connection, JOB, {"keys": sorted({one.key for one in (*results, *failures)})})
        stored: list[str] = []
        for result in results:  # one batch each, so that the counts say which of them were taken
            counts = analyses.write_analyses(connection, run_id, [result], max_attempts=max_attempts)
            if counts["new"] + counts["changed"] + counts["unchanged"]:
                stored.append(result.provenance.analyzer)
        analyses.write_analyses(connection, run_id, [], failed=failures, max_attempts=max_attempts)
        counts = runs.written(connection, run_id)
        runs.finish(connection, run_id, "partial" if counts["failed"] else "succeeded", counts)
        return stored
