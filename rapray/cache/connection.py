"""Connects to Redis and maps its errors to `RedisUnavailable`.

A client lives in one process: build it where it is used, never pickle one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, cast

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
        timeout_s: seconds that one `map_errors` block may take, connecting included.

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
def map_errors(client: redis.Redis) -> Generator[None]:
    """Run a client's commands within its time-out, and raise `RedisUnavailable` in place of every error.

    The client comes from `connect`. The server may not be Redis, or may answer nonsense; redis-py then raises
    errors of any type. Check inside the block that each answer has the type that its command returns, and
    raise `unexpected(answer)` if not.
    """
    try:
        with exchange(client.connection_pool.connection_kwargs["socket_timeout"]):
            yield
    except Exception as error:
        # An answer that is still on its way would be taken for the answer to the next command.
        client.connection_pool.disconnect(inuse_connections=False)
        raise RedisUnavailable(address=address_of(client), reason=reason_of(error)) from error


def scripted(client: redis.Redis, text: str) -> Callable[..., Any]:
    """Return a function that runs a Lua script with `keys` and `args`."""
    script = client.register_script(text)
    own = script.sha

    def run(*, keys: list[str], args: list[Any]) -> Any:
        script.sha = own  # redis-py takes over whatever answered SCRIPT LOAD
        return script(keys=keys, args=args)

    return run


def unexpected(answer: object) -> redis.InvalidResponse:
    """Return the error for an answer that Redis never gives to this command."""
    return redis.InvalidResponse(f"it answered {answer!r:.80}, so it is not Redis, or it is broken")


def reason_of(error: Exception) -> str:
    """Return the text of the error, cut short: it may quote a server's long answer."""
    text = str(error) or type(error).__name__
    return text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON]}…"


def server_version(client: redis.Redis) -> str:
    """Which server answers: "Valkey 9.1.2", "Redis 7.4.0".

    Raises:
        RedisUnavailable: none does, or it answers with an error such as a wrong password.
    """
    with map_errors(client):
        info = cast("dict[str, object]", client.info("server"))
        own = info.get("valkey_version")  # a Valkey also names the Redis version that it is compatible with
        version = own or info.get("redis_version")
        if not version:
            raise unexpected(info)
    return f"Valkey {version}" if own else f"Redis {version}"
