"""The services of a running ingress: reads from PostgreSQL, inference from whoever is handed in.

Knows no Ray and no HTTP: `deployments.py` hands in handles, tests functions.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from rapray.cache.results import ResultCache
from rapray.config import Settings
from rapray.domain import Analysis, Failure, Lyric, ModelInfo, Provenance
from rapray.embedded import Endpoints, resolve_endpoints
from rapray.errors import DependencyError
from rapray.serve import answers
from rapray.serve.answers import Answers
from rapray.serve.backend import Answer, Chat, DependencyHealth, Health, Limits
from rapray.serve.catalogue import StoredCatalogue
from rapray.serve.limits import MAX_BATCH_TEXTS, MAX_PAGE, MAX_QUERY_CHARS
from rapray.serve.probes import PROBE_TIMEOUT_S, SharedCheck, probed, redis_version, warn_without_room
from rapray.serve.roster import Roster
from rapray.store.migrate import require_current_async
from rapray.store.pool import acquired, async_pool
from rapray.store.read import server_versions
from rapray.telemetry import logger

log = logger(__name__)
# Writes of requests that store, at once: each opens a connection beside the pool.
_WRITERS = 2
# Reserved for probes: when requests hold the whole pool, the database is busy, not gone.
_PROBES = 1


def replica_connections(settings: Settings) -> int:
    """Return the most PostgreSQL connections of one replica: a full pool, and those of writes and probes."""
    return settings.database.pool_size + _WRITERS + _PROBES


@dataclass(frozen=True, slots=True)
class RunningAnalyzer:
    """What an analyzer's replica runs; `note` tells operators what they should know of its model."""

    provenance: Provenance
    model: ModelInfo | None = None
    note: str = ""


class Inference(Protocol):
    """Whoever turns text into vectors and analyses."""

    async def embed_query(self, text: str) -> Sequence[float]:
        """The vector of a query."""
        ...

    async def analyze(self, name: str, lyric: Lyric) -> Analysis | Failure:
        """One analyzer's result."""
        ...

    async def describe(self, name: str) -> RunningAnalyzer:
        """What an analyzer's replica runs; asks it for no analysis."""
        ...


class Database:
    """The pool of one replica, opened on first use and again after a failed start.

    Does not hold a connection while nobody asks for one.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._opening = asyncio.Lock()
        self._pool: AsyncConnectionPool[AsyncConnection] | None = None
        self._probes: AsyncConnectionPool[AsyncConnection] | None = None
        self.endpoints: Endpoints | None = None

    async def pool(self) -> AsyncConnectionPool[AsyncConnection]:
        """The open pool. Raises DependencyError where the embedded servers do not start."""
        if self._pool is None:
            async with self._opening:
                if self._pool is None:
                    self._pool = await self._opened()
        return self._pool

    async def _opened(self) -> AsyncConnectionPool[AsyncConnection]:
        self.endpoints = await asyncio.to_thread(resolve_endpoints, self._settings)
        url = self.endpoints.database_url
        await asyncio.to_thread(warn_without_room, url, replica_connections(self._settings))
        pool = async_pool(url, self._settings.database)
        await pool.open(wait=False)  # a database that is down does not keep the ingress from saying so
        return pool

    async def probes(self) -> AsyncConnectionPool[AsyncConnection]:
        """Return a pool of one connection that no other request takes. Raises the errors of `pool`."""
        await self.pool()
        async with self._opening:
            if self._probes is None:
                assert self.endpoints is not None
                settings = self._settings.database.model_copy(update={"pool_size": _PROBES})
                self._probes = async_pool(self.endpoints.database_url, settings)
                await self._probes.open(wait=False)
        return self._probes

    async def close(self) -> None:
        """Close every connection."""
        for pool in filter(None, (self._pool, self._probes)):
            await pool.close()


class LiveServices:
    """`rapray.serve.backend.Services` over the real parts."""

    def __init__(
        self,
        settings: Settings,
        inference: Inference,
        model: ModelInfo,
        roster: Roster,
        chat: Chat | None = None,
    ) -> None:
        self._settings, self._inference, self.chat = settings, inference, chat
        self._database = Database(settings)
        self._answers = Answers(roster, inference.analyze)
        self._writing = asyncio.Semaphore(_WRITERS)
        self._ready_check, self._health_check = SharedCheck(self._check_ready), SharedCheck(self._check_all)
        self._redis_threads = ThreadPoolExecutor(2, "redis-probe")  # one for each of these
        self._deadlines: dict[str, float] = {}
        self._provider_deadlines = {
            name: max(provider.timeout_s, settings.analyze.deadline_s)
            for name, provider in settings.llm.providers.items()
        }
        self.embedding_model = model
        self.analyzers, self.unserved = roster.served, roster.unserved
        self.default_analyzers = roster.meant_by(settings.analyze.analyzers)
        self.catalogue = StoredCatalogue(self._database.pool, model, roster.provenances.values())
        self.limits = limits_of(settings)

    async def open(self) -> None:
        """Open the pool; a server that is down is logged, and tried again by the first request."""
        try:
            await self._database.pool()
        except DependencyError as error:
            log.error("the database is not there yet", code=error.code, detail=str(error))

    async def close(self) -> None:
        """Close pool and cache."""
        self._ready_check.close()
        self._health_check.close()
        self._redis_threads.shutdown(wait=False)
        await self._answers.close()
        await self._database.close()

    async def embed_query(self, text: str) -> Sequence[float]:
        """The vector of a query."""
        return await self._inference.embed_query(text)

    async def analyze(self, name: str, lyric: Lyric) -> Answer:
        """One analyzer's result, from the cache where it is there."""
        self._find_cache()
        return await self._answers.analyze(name, lyric)

    def leave(self, name: str, lyric: Lyric, asked: asyncio.Task[Answer]) -> None:
        """An answer that is late: one that is paid for goes on into the cache, any other is cancelled."""
        self._answers.leave(name, lyric, asked)

    async def store(self, results: Sequence[Analysis], failures: Sequence[Failure]) -> list[str]:
        """Write into the collection what was found of one stored track."""
        await self._database.pool()
        assert self._database.endpoints is not None
        url, attempts = self._database.endpoints.database_url, self._settings.jobs.max_attempts
        write = partial(answers.store, url, results, failures, max_attempts=attempts)
        await self._writing.acquire()
        # Not `async with`: the thread of a caller who stops waiting has its connection until it ends.
        writing = asyncio.create_task(
            asyncio.to_thread(write, timeout_s=self._settings.database.statement_timeout_s)
        )
        writing.add_done_callback(lambda _: self._writing.release())
        return await asyncio.shield(writing)

    def deadline_s(self, name: str) -> float:
        """Longest wait for this analyzer; by default a language model has the time that its provider has."""
        return self._deadlines.get(name) or self._provider_deadlines.get(name, self.limits.deadline_s)

    def set_deadlines(self, seconds: float, of_analyzers: Mapping[str, float]) -> None:
        """Change the longest wait for one analyzer, while requests run; `of_analyzers` are the exceptions by name."""
        self.limits = limits_of(self._settings, seconds)
        self._deadlines = dict(of_analyzers)

    def _find_cache(self) -> None:
        """Take Redis into use as soon as the embedded servers have told where it is."""
        endpoints = self._database.endpoints
        if self._answers.has_cache or endpoints is None or not endpoints.redis_url:
            return
        self._answers.use(ResultCache(endpoints.redis_url, self._settings.redis.timeout_s))

    async def is_ready(self) -> Health:
        """Database, Redis and embedder, checked a few seconds ago at most."""
        return await self._ready_check.latest()

    async def health(self) -> Health:
        """The same, every analyzer and the hosted model."""
        return await self._health_check.latest()

    async def _check_ready(self) -> Health:
        return await self._checked(self._database_state, self._redis_state, self._embedder_state)

    async def _check_all(self) -> Health:
        models: dict[str, ModelInfo] = {}
        others = [partial(self._analyzer_state, name, models) for name in self.analyzers]
        if self.chat is not None:
            others.append(partial(_chat_state, self.chat))
        health = await self._checked(self._database_state, self._redis_state, self._embedder_state, *others)
        return replace(health, models=(*health.models, *(models[name] for name in sorted(models))))

    async def _checked(self, *checks: Callable[[], Awaitable[DependencyHealth]]) -> Health:
        found = await asyncio.gather(*(check() for check in checks))
        return Health(tuple(found), (self.embedding_model,))

    async def _analyzer_state(self, name: str, models: dict[str, ModelInfo]) -> DependencyHealth:
        async def check() -> str:
            running = await self._inference.describe(name)
            if running.model is not None:
                models[name] = running.model
            provenance = running.provenance
            return ", ".join(filter(None, (provenance.version, provenance.model, running.note)))

        return await probed(f"analyzer {name}", check, is_required=False)

    async def _database_state(self) -> DependencyHealth:
        async def check() -> str:
            pool = await self._database.probes()
            async with acquired(pool) as conn:
                await require_current_async(conn)
            versions = await server_versions(pool)
            return f"PostgreSQL {versions['postgresql']}, pgvector {versions['pgvector']}"

        return await probed("database", check, is_required=True)

    async def _redis_state(self) -> DependencyHealth:
        if not self._settings.redis.enabled:
            return DependencyHealth("redis", "up", is_required=False, detail="switched off")

        async def check() -> str:
            await self._database.pool()
            endpoints = self._database.endpoints
            assert endpoints is not None
            timeout_s = min(self._settings.redis.timeout_s, PROBE_TIMEOUT_S)
            version = partial(redis_version, endpoints.redis_url or "", timeout_s)
            # In threads of its own: a Redis that hangs would block threads that requests need.
            return await asyncio.get_running_loop().run_in_executor(self._redis_threads, version)

        return await probed("redis", check, is_required=False)

    async def _embedder_state(self) -> DependencyHealth:
        async def check() -> str:
            vector = await self._inference.embed_query("ready")
            return f"{self.embedding_model.name}, {len(vector)} values"

        return await probed("embedder", check, is_required=True)


async def _chat_state(chat: Chat) -> DependencyHealth:
    async def check() -> str:
        return str((await chat.describe())["id"])

    return await probed("language model", check, is_required=False)


def limits_of(settings: Settings, deadline_s: float | None = None) -> Limits:
    """What a request may ask for."""
    return Limits(
        max_body_bytes=settings.serve.max_body_bytes,
        max_lyrics_chars=settings.analyze.max_lyrics_chars,
        max_query_chars=MAX_QUERY_CHARS,
        search_limit=settings.serve.search_limit,
        page_limit=MAX_PAGE,
        batch_texts=MAX_BATCH_TEXTS,
        deadline_s=deadline_s or settings.analyze.deadline_s,
        body_idle_timeout_s=settings.serve.body_idle_timeout_s,
        body_timeout_s=settings.serve.body_timeout_s,
        is_local=not settings.serve.allow_unauthenticated,
    )
