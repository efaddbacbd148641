"""Connects to Redis and turns its errors into `RedisUnavailable`.

Does not know what is stored. A client lives in one process: build it where it is used, never pickle one.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import cast

import redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from rapray.errors import ConfigError, RedisUnavailable
from rapray.telemetry import logger

log = logger(__name__)
PREFIX = "rapray:"
_MAX_CONNECTIONS = 16


class Outage:
    """For how long a Redis that has not answered is left alone: everything that asked it would wait for its time-out.

    Safe to use from several threads.

    Args:
        what: goes without Redis meanwhile, for the log.
        seconds: until Redis is asked again.
    """

    def __init__(self, what: str, seconds: float) -> None:
        self._what, self._seconds = what, seconds
        self._until = 0.0

    @property
    def is_on(self) -> bool:
        """True while Redis is left alone."""
        return time.monotonic() < self._until

    def begin(self, error: Exception) -> None:
        """Redis has not answered just now."""
        self._until = time.monotonic() + self._seconds
        log.warning(
            "without redis", what=self._what, seconds=self._seconds, reason=str(error) or type(error).__name__
        )


def connect(url: str, timeout_s: float) -> redis.Redis:
    """A client with a bounded pool; nothing is sent before the first command.

    Args:
        url: `redis://`, `rediss://` or `unix://`.
        timeout_s: longest wait for a connection, for one answer, and for a free connection of the pool, in seconds.

    Raises:
        ConfigError: the address cannot be read.
    """
    try:
        pool = redis.BlockingConnectionPool.from_url(
            url,
            max_connections=_MAX_CONNECTIONS,
            timeout=timeout_s,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            # One repeat heals a connection that the server closed while idle. More would only delay the fallback.
            retry=Retry(ExponentialBackoff(cap=0.2, base=0.05), retries=1),
            health_check_interval=30,
        )
    except ValueError as error:
        raise ConfigError(problems=f"redis.url: {error}") from error
    return redis.Redis.from_pool(cast("redis.ConnectionPool", pool))


def address_of(client: redis.Redis) -> str:
    """Where the client connects to, without the password."""
    options = client.connection_pool.connection_kwargs
    return str(options.get("path") or f"{options.get('host', 'localhost')}:{options.get('port', 6379)}")


@contextmanager
def reported(client: redis.Redis) -> Generator[None]:
    """Turn every error of Redis inside the block into `RedisUnavailable`."""
    try:
        yield
    except (redis.RedisError, OSError) as error:
        raise RedisUnavailable(
            address=address_of(client), reason=str(error) or type(error).__name__
        ) from error


def server_version(client: redis.Redis) -> str:
    """Which server answers: "Valkey 9.1.2", "Redis 7.4.0".

    Raises:
        RedisUnavailable: none does, or it answers with an error such as a wrong password.
    """
    with reported(client):
        info = cast("dict[str, object]", client.info("server"))
    own = info.get("valkey_version")  # a Valkey also names the Redis version that it is compatible with
    return f"Valkey {own}" if own else f"Redis {info.get('redis_version', '')}"
