"""Bounds one exchange with Redis, from the connection to the last byte of the answer, in time and in size.

A time-out of redis-py covers a single read of a socket. But setting up a connection takes several reads, a
command may set one up twice, and a server that sends a byte now and then is read for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

import redis
import redis.asyncio
from redis._parsers import (
    _AsyncRESP2Parser,  # pyright: ignore[reportPrivateUsage]
    _RESP2Parser,  # pyright: ignore[reportPrivateUsage]
)
from redis.asyncio.retry import Retry as AsyncRetry
from redis.retry import Retry

from rapray.errors import ConfigError
from rapray.net.limits import ByteLimit, Deadline

MOST_BYTES = 8_000_000  # received in one exchange: twice the largest result that is stored
CONNECTIONS = 16


class _Exchange(NamedTuple):
    deadline: Deadline
    size: ByteLimit


_running: ContextVar[_Exchange | None] = ContextVar("exchange", default=None)


@contextmanager
def exchange(seconds: float) -> Generator[None]:
    """Give all commands inside the block together this many seconds; for a blocking client."""
    token = _running.set(_Exchange(Deadline(seconds), ByteLimit(MOST_BYTES)))
    try:
        yield
    finally:
        _running.reset(token)


@asynccontextmanager
async def exchange_async(seconds: float) -> AsyncGenerator[None]:
    """Do the same as `exchange` for a client of an event loop. Raises TimeoutError."""
    with exchange(seconds):
        async with asyncio.timeout(seconds):
            yield


def pool(url: str, timeout_s: float, retry: Retry) -> redis.BlockingConnectionPool:
    """Return bounded connections for a blocking client. Raises ConfigError if the URL is not valid."""
    return _pool_of(redis.BlockingConnectionPool, _BLOCKING, url, timeout_s, retry, parser=_RESP2Parser)


def async_pool(url: str, timeout_s: float, retry: AsyncRetry) -> redis.asyncio.BlockingConnectionPool:
    """Return the same as `pool`, for a client of an event loop."""
    return _pool_of(
        redis.asyncio.BlockingConnectionPool, _ASYNC, url, timeout_s, retry, parser=_AsyncRESP2Parser
    )


def _pool_of(
    kind: Any, bounded: dict[type, type], url: str, timeout_s: float, retry: object, *, parser: type
) -> Any:
    try:
        connections = kind.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=timeout_s,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=retry,
            health_check_interval=30,
            # rapray needs neither RESP 3 nor the driver's name, and each costs a round trip per connection.
            protocol=2,
            parser_class=parser,  # if hiredis is installed, redis-py's default reads past the bounds below
            driver_info=None,
        )
    except ValueError:
        reason = (
            "redis://:password@host:6379/0, or rediss:// or unix://, "
            "and write / @ : ? # in a password as %2F %40 %3A %3F %23"
        )
    else:
        connections.connection_class = bounded[connections.connection_class]
        return connections
    # Raised outside the handler: the parser's error may quote the password and must not be chained to it.
    raise ConfigError(problems=f"redis.url: this is not the URL of a Redis server; use {reason}")


class _Socket:
    """A socket whose reads and writes end with the exchange; outside an exchange its own time-out holds."""

    def __init__(self, inner: Any) -> None:
        self._inner, self._asked = inner, inner.gettimeout()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def settimeout(self, seconds: float | None) -> None:
        self._asked = seconds
        self._inner.settimeout(seconds)

    def recv(self, size: int, flags: int = 0) -> bytes:
        running = _running.get()
        if running is None:
            return self._inner.recv(size, flags)
        self._inner.settimeout(running.deadline.remaining(self._asked))
        received: bytes = self._inner.recv(size, flags)
        running.size.take(len(received))
        return received

    def sendall(self, content: bytes) -> None:
        running = _running.get()
        self._inner.settimeout(self._asked if running is None else running.deadline.remaining(self._asked))
        self._inner.sendall(content)


class _Reader:
    """A stream whose answers are bounded in size; asyncio bounds the time."""

    def __init__(self, inner: asyncio.StreamReader) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def readexactly(self, count: int) -> bytes:
        # Counted before the read, which would wait for all these bytes and hold them in memory.
        if (running := _running.get()) is not None:
            running.size.take(count)
        return await self._inner.readexactly(count)

    async def readline(self) -> bytes:
        line = await self._inner.readline()
        if (running := _running.get()) is not None:
            running.size.take(len(line))
        return line


def _blocking(kind: Any) -> type:
    class Bounded(kind):
        def _connect(self) -> Any:
            if (running := _running.get()) is not None:
                self.socket_connect_timeout = running.deadline.remaining()
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
