"""The services of a running ingress: reads from PostgreSQL, inference from whoever is handed in.

Knows no Ray and no HTTP: `deployments.py` hands in handles, tests functions.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from rapray import cache
from rapray.config import Settings
from rapray.domain import Analysis, Failure, Lyric, ModelInfo
from rapray.embedded import Endpoints, resolve_endpoints
from rapray.errors import DependencyError, Overloaded, RaprayError
from rapray.serve.backend import DependencyHealth, Health, Limits
from rapray.serve.catalogue import StoredCatalogue
from rapray.store.migrate import require_current_async
from rapray.store.pool import acquired, async_pool
from rapray.store.read import server_versions
from rapray.telemetry import logger

LOG = logger(__name__)
PROBE_TIMEOUT_S = 5
MAX_QUERY_CHARS = 2000
PAGE_LIMIT = 200


class Inference(Protocol):
    """Whoever turns text into vectors and analyses."""

    async def embed_query(self, text: str) -> Sequence[float]:
        """The vector of a query."""
        ...

    async def analyze(self, name: str, lyric: Lyric) -> Analysis | Failure:
        """One analyzer's result."""
        ...


class Database:
    """The pool of one replica, opened on first use and again after a failed start.

    Does not hold a connection while nobody asks for one.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._opening = asyncio.Lock()
        self._pool: AsyncConnectionPool[AsyncConnection] | None = None
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
        pool = async_pool(self.endpoints.database_url, self._settings.database)
        await pool.open(wait=False)  # a database that is down does not keep the ingress from saying so
        return pool

    async def close(self) -> None:
        """Close every connection."""
        if self._pool is not None:
            await self._pool.close()


class LiveServices:
    """`rapray.serve.backend.Services` over the real parts."""

    def __init__(
        self, settings: Settings, inference: Inference, model: ModelInfo, analyzers: Mapping[str, str]
    ) -> None:
        self._settings, self._inference = settings, inference
        self._database = Database(settings)
        self.embedding_model = model
        self.analyzers = dict(analyzers)
        self.default_analyzers = tuple(n for n in settings.analyze.analyzers if n in analyzers) or tuple(
            analyzers
        )
        self.catalogue = StoredCatalogue(self._database.pool, model)
        self.limits = limits_of(settings)

    async def open(self) -> None:
        """Open the pool; a server that is down is logged, and tried again by the first request."""
        try:
            await self._database.pool()
        except DependencyError as error:
            LOG.error("the database is not there yet", code=error.code, detail=str(error))

    async def close(self) -> None:
        """Close the pool."""
        await self._database.close()

    async def embed_query(self, text: str) -> Sequence[float]:
        """The vector of a query."""
        return await self._inference.embed_query(text)

    async def analyze(self, name: str, lyric: Lyric) -> Analysis | Failure:
        """One analyzer's result."""
        return await self._inference.analyze(name, lyric)

    def set_deadline(self, seconds: float) -> None:
        """Change the longest wait for one analyzer, while requests run."""
        self.limits = limits_of(self._settings, seconds)

    async def is_ready(self) -> Health:
        """Database, Redis and embedder."""
        return await self._checked(self._database_state, self._redis_state, self._embedder_state)

    async def health(self) -> Health:
        """The same and every analyzer."""
        analyzers = [_analyzer_check(self._inference, name) for name in self.analyzers]
        return await self._checked(self._database_state, self._redis_state, self._embedder_state, *analyzers)

    async def _checked(self, *checks: Callable[[], Awaitable[DependencyHealth]]) -> Health:
        found = await asyncio.gather(*(check() for check in checks))
        return Health(tuple(found), (self.embedding_model,))

    async def _database_state(self) -> DependencyHealth:
        async def check() -> str:
            pool = await self._database.pool()
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
            return await asyncio.to_thread(
                _redis_version, endpoints.redis_url or "", self._settings.redis.timeout_s
            )

        return await probed("redis", check, is_required=False)

    async def _embedder_state(self) -> DependencyHealth:
        async def check() -> str:
            vector = await self._inference.embed_query("ready")
            return f"{self.embedding_model.name}, {len(vector)} values"

        return await probed("embedder", check, is_required=True)


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
        LOG.warning("dependency down", dependency=name, code=error.code, detail=str(error))
        return DependencyHealth(name, "down", is_required, error.code)
    except Exception:
        LOG.exception("dependency check broke", dependency=name)
        return DependencyHealth(name, "down", is_required, "internal")
    return DependencyHealth(name, "up", is_required, "", version, time.perf_counter() - started)


def limits_of(settings: Settings, deadline_s: float | None = None) -> Limits:
    """What a request may ask for."""
    return Limits(
        max_body_bytes=settings.serve.max_body_bytes,
        max_lyrics_chars=settings.analyze.max_lyrics_chars,
        max_query_chars=MAX_QUERY_CHARS,
        search_limit=settings.serve.search_limit,
        page_limit=PAGE_LIMIT,
        deadline_s=deadline_s or settings.analyze.deadline_s,
        is_local=not settings.serve.allow_unauthenticated,
    )


_PROBE = Lyric(key="probe", lyrics="One line", sections=(), content_hash="probe")


def _analyzer_check(inference: Inference, name: str) -> Callable[[], Awaitable[DependencyHealth]]:
    async def check() -> str:
        outcome = await inference.analyze(name, _PROBE)
        return outcome.version if isinstance(outcome, Analysis) else outcome.stage.rsplit("/", 1)[-1]

    return lambda: probed(f"analyzer {name}", check, is_required=False)


def _redis_version(url: str, timeout_s: float) -> str:
    client = cache.connect(url, timeout_s)
    try:
        return cache.server_version(client)
    finally:
        client.close()
