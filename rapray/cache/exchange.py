"""Bounds one exchange with Redis, from the connection to the last byte of the answer, in time and in size.

redis-py's time-outs are those of one read of a socket: setting up a connection reads several times, each command may
set one up twice, and a server that sends a byte now and then is read for ever. Does not know what is asked.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Any

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.retry import Retry

from rapray.errors import ConfigError

MOST_BYTES = 8_000_000  # of one answer: twice the largest result that is kept
CONNECTIONS = 16


class _Allowance:
    """What is left for the exchange that runs now."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self._bytes = MOST_BYTES

    def seconds(self, asked: float | None = None) -> float:
        """Seconds left, no more than asked. Raises TimeoutError where there are none."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("no whole answer in time")
        return left if asked is None else min(asked, left)

    def take(self, count: int) -> None:
        """Raises InvalidResponse where the answer is longer than anything that rapray keeps."""
        self._bytes -= count
        if self._bytes < 0:
            reason = f"an answer of more than {MOST_BYTES} bytes"
            raise redis.InvalidResponse(reason)


_running: ContextVar[_Allowance | None] = ContextVar("exchange", default=None)


@contextmanager
def exchange(seconds: float) -> Generator[None]:
    """Give every command inside the block, all together, so many seconds; for a blocking client."""
    token = _running.set(_Allowance(seconds))
    try:
        yield
    finally:
        _running.reset(token)


@asynccontextmanager
async def exchange_async(seconds: float) -> AsyncGenerator[None]:
    """The same for a client of an event loop. Raises TimeoutError."""
    with exchange(seconds):
        async with asyncio.timeout(seconds):
            yield


def pool(url: str, timeout_s: float, retry: Retry) -> redis.BlockingConnectionPool:
    """Bounded connections for a blocking client. Raises ConfigError where the address cannot be read."""
    return _pool_of(redis.BlockingConnectionPool, _BLOCKING, url, timeout_s, retry)


def async_pool(url: str, timeout_s: float, retry: AsyncRetry) -> redis.asyncio.BlockingConnectionPool:
    """The same for an event loop."""
    return _pool_of(redis.asyncio.BlockingConnectionPool, _ASYNC, url, timeout_s, retry)


def _pool_of(kind: Any, bounded: dict[type, type], url: str, timeout_s: float, retry: object) -> Any:
    try:
        made = kind.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=timeout_s,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=retry,
            health_check_interval=30,
            # Nothing that RESP 3 or the driver's name would bring is used, and each costs a round trip a connection.
            protocol=2,
            driver_info=None,
        )
    except ValueError:
        reason = (
            "redis://:password@host:6379/0, or rediss:// or unix://; write / @ : ? # of a password as %2F …"
        )
    else:
        made.connection_class = bounded[made.connection_class]
        return made
    # Outside of the handler: what the parser quotes may be a part of the password.
    raise ConfigError(problems=f"redis.url: this is no address of a Redis ({reason})")


class _Socket:
    """A socket whose reads and writes end with the exchange; outside of one as it was told."""

    def __init__(self, inner: Any) -> None:
        self._inner, self._asked = inner, inner.gettimeout()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def settimeout(self, seconds: float | None) -> None:
        self._asked = seconds
        self._inner.settimeout(seconds)

    def recv(self, size: int, flags: int = 0) -> bytes:
        allowance = _running.get()
        if allowance is None:
            return self._inner.recv(size, flags)
        self._inner.settimeout(allowance.seconds(self._asked))
        received: bytes = self._inner.recv(size, flags)
        allowance.take(len(received))
        return received

    def sendall(self, content: bytes) -> None:
        allowance = _running.get()
        self._inner.settimeout(self._asked if allowance is None else allowance.seconds(self._asked))
        self._inner.sendall(content)


class _Reader:
    """A stream whose answers are bounded in size; asyncio bounds the time."""

    def __init__(self, inner: asyncio.StreamReader) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def readexactly(self, count: int) -> bytes:
        # Before the read: it would wait for all of it, and keep it.
        if (allowance := _running.get()) is not None:
            allowance.take(count)
        return await self._inner.readexactly(count)

    async def readline(self) -> bytes:
        line = await self._inner.readline()
        if (allowance := _running.get()) is not None:
            allowance.take(len(line))
        return line


def _blocking(kind: Any) -> type:
    class Bounded(kind):
        def _connect(self) -> Any:
            if (allowance := _running.get()) is not None:
                self.socket_connect_timeout = allowance.seconds()
            return _Socket(super()._connect())

    return Bounded


def _async(kind: Any) -> type:
    class Bounded(kind):
        async def _connect(self) -> None:
            await super()._connect()
            self._reader: Any = _Reader(self._reader)

    return Bounded


_BLOCKING: dict[type, type] = {
    kind: _blocking(kind)
    for kind in (redis.Connection, redis.SSLConnection, redis.UnixDomainSocketConnection)
}
_ASYNC: dict[type, type] = {
    kind: _async(kind)
    for kind in (
        redis.asyncio.Connection,
        redis.asyncio.SSLConnection,
        redis.asyncio.UnixDomainSocketConnection,
    )
}
