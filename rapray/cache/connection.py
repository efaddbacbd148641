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

from rapray.cache.exchange import exchange, pool
from rapray.errors import RedisUnavailable
from rapray.telemetry import logger

log = logger(__name__)
PREFIX = "rapray:"
_LONGEST_REASON = 300


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
        log.warning("without redis", what=self._what, seconds=self._seconds, reason=reason_of(error))


def connect(url: str, timeout_s: float) -> redis.Redis:
    """A client with a bounded pool; nothing is sent before the first command.

    Args:
        url: `redis://`, `rediss://` or `unix://`.
        timeout_s: longest wait for one block of `reported`, with all that it takes to connect, in seconds.

    Raises:
        ConfigError: the address cannot be read.
    """
    # One repeat heals a connection that the server closed while idle. More would only delay the fallback.
    retry = Retry(ExponentialBackoff(cap=0.2, base=0.05), retries=1)
    return redis.Redis.from_pool(cast("redis.ConnectionPool", pool(url, timeout_s, retry)))


def address_of(client: redis.Redis) -> str:
    """Where the client connects to, without the password."""
    options = client.connection_pool.connection_kwargs
    return str(options.get("path") or f"{options.get('host', 'localhost')}:{options.get('port', 6379)}")


@contextmanager
def reported(client: redis.Redis) -> Generator[None]:
    """Run commands of a client of `connect` within its time-out, and turn whatever goes wrong into `RedisUnavailable`.

    What listens at the address may be no Redis, or one that answers nonsense: redis-py then raises anything. Make sure
    inside the block that an answer is of the kind that the command has; `unexpected` says that it is not.
    """
    try:
        with exchange(client.connection_pool.connection_kwargs["socket_timeout"]):
            yield
    except Exception as error:
        # What is still on its way there would be taken for the answer to the next command.
        client.connection_pool.disconnect(inuse_connections=False)
        raise RedisUnavailable(address=address_of(client), reason=reason_of(error)) from error


def unexpected(answer: object) -> redis.InvalidResponse:
    """The error for an answer that no Redis gives to the command."""
    return redis.InvalidResponse(f"its answer is {answer!r:.80}: this is no Redis, or it is broken")


def reason_of(error: Exception) -> str:
    """What went wrong in a few words; a server's answer may be long."""
    text = str(error) or type(error).__name__
    return text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON]}…"


def server_version(client: redis.Redis) -> str:
    """Which server answers: "Valkey 9.1.2", "Redis 7.4.0".

    Raises:
        RedisUnavailable: none does, or it answers with an error such as a wrong password.
    """
    with reported(client):
        info = cast("dict[str, object]", client.info("server"))
        own = info.get("valkey_version")  # a Valkey also names the Redis version that it is compatible with
        version = own or info.get("redis_version")
        if not version:
            raise unexpected(info)
    return f"Valkey {version}" if own else f"Redis {version}"
