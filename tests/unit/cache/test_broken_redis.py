"""What is not a Redis, or a broken one, at the address of Redis: as good as none, and soon."""

from __future__ import annotations

import threading

import pytest

from rapray.cache import FallbackRateLimiter, RedisRateLimiter, connect, server_version
from rapray.cache.exchange import MOST_BYTES
from rapray.cache.gate import End, GateLimits, Pass, ProcessGate
from rapray.cache.redis_gate import FallbackGate, RedisGate
from rapray.cache.results import ResultCache
from rapray.domain import Analysis
from rapray.errors import ConfigError, RedisUnavailable
from tests.support.broken_server import (
    Behaviour,
    answers,
    broken_server,
    closes,
    drips,
    floods,
    hangs,
    in_turn,
    stopwatch,
)
from tests.support.limiter import RecordingLimiter

TIMEOUT_S = 0.4
SLOW_HOST_S = 1.0  # for all that is not waiting
RESULT = Analysis("1", "a", "1", "h", {"x": 1})
LIMITS = GateLimits(concurrency=2, lease_s=60)
OK = b"+OK\r\n"

SERVERS: dict[str, Behaviour] = {
    "http": answers(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
    "ssh": answers(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "random": answers(bytes(range(256)) + b"\r\n"),
    "zeros": answers(b"\x00" * 100 + b"\r\n"),
    "closes": closes,
    "hangs": hangs,
    "hangs after the password": in_turn(OK, OK, b""),
    "drips": drips(b"$2147483647\r\n", TIMEOUT_S / 3),
    "drips a line": drips(b"+", TIMEOUT_S / 3),
    "floods": floods(b"$2147483647\r\n"),
    "floods a line": floods(b"+"),
    "floods a list": floods(b"*100000000\r\n" + b":1\r\n" * 100_000),
    "huge length": answers(b"$2147483647\r\n"),
    "length beyond numbers": answers(b"$" + b"9" * 5000 + b"\r\n"),
    "no length": answers(b"$x\r\n"),
    "negative length": answers(b"$-7\r\n"),
    "huge list": answers(b"*2147483647\r\n"),
    "negative list": answers(b"*-5\r\n"),
    "nested": answers(b"*1\r\n" * 5000 + b":1\r\n"),
    "no number": answers(b":x\r\n"),
    "unknown type": answers(b"?\r\n"),
    "resp 3 map": answers(b"%1\r\n*0\r\n+x\r\n"),
    "password": answers(b"-NOAUTH Authentication required.\r\n"),
    "wrong password": answers(b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"),
    "error": answers(b"-ERR unknown command\r\n"),
    "error later": in_turn(OK, OK, b"-ERR unknown command\r\n"),
    "moved": in_turn(OK, OK, b"-MOVED 3999 127.0.0.1:6381\r\n"),
    "ask": in_turn(OK, OK, b"-ASK 3999 127.0.0.1:6381\r\n"),
    "loading": in_turn(OK, OK, b"-LOADING Redis is loading the dataset in memory\r\n"),
    "read only": in_turn(OK, OK, b"-READONLY You can't write against a read only replica.\r\n"),
    "wrong type": in_turn(OK, OK, b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"),
    "no script": in_turn(OK, OK, b"-NOSCRIPT No matching script.\r\n"),
    "busy": in_turn(OK, OK, b"-BUSY Redis is busy running a script.\r\n"),
    "bytes in an error": in_turn(OK, OK, b"-\xff\xfe\r\n"),
    "number": in_turn(OK, OK, b":7\r\n"),
    "list": in_turn(OK, OK, b"*2\r\n$1\r\na\r\n:1\r\n"),
    "other list": in_turn(OK, OK, b"*3\r\n$4\r\npass\r\n$1\r\nx\r\n$0\r\n\r\n"),
    "list of nothing": in_turn(OK, OK, b"*3\r\n$-1\r\n$-1\r\n$-1\r\n"),
    "long wait": in_turn(OK, OK, b"*3\r\n$4\r\nwait\r\n$18\r\n999999999999999999\r\n$0\r\n\r\n"),
    "status": in_turn(OK, OK, b"+PONG\r\n"),
    "two answers": answers(OK + OK),
}


@pytest.fixture(params=SERVERS)
def broken_url(request: pytest.FixtureRequest) -> object:
    """The address of a server that does not behave as Redis does."""
    with broken_server(SERVERS[request.param]) as url:
        yield url


def test_gate_falls_back(broken_url: str) -> None:
    """With a broken Redis the process's own gate takes over within one time-out."""
    with stopwatch() as seconds:
        gate = FallbackGate(RedisGate(connect(broken_url, TIMEOUT_S), "p", LIMITS), ProcessGate(LIMITS))
        taken = gate.enter(1)
        assert isinstance(taken, Pass)
        gate.leave(taken, End("answered", 1))
    assert seconds[0] < TIMEOUT_S + SLOW_HOST_S
    gate.reopen()


def test_limiter_falls_back(broken_url: str) -> None:
    """With a broken Redis the second rate limiter takes over within one time-out."""
    second = RecordingLimiter(0.25)
    with stopwatch() as seconds:
        limiter = FallbackRateLimiter(RedisRateLimiter(connect(broken_url, TIMEOUT_S), 1), second)
        assert limiter.reserve("h") == 0.25
        limiter.penalize("h", 5)
    assert seconds[0] < TIMEOUT_S + SLOW_HOST_S
    assert second.penalties == [("h", 5)]


async def test_cache_get_misses(broken_url: str) -> None:
    """With a broken Redis a lookup misses and a write is dropped, both within a single time-out."""
    cache = ResultCache(broken_url, TIMEOUT_S)
    with stopwatch() as seconds:
        assert await cache.get("k", "1") is None
        await cache.put("k", RESULT)
    assert seconds[0] < TIMEOUT_S + SLOW_HOST_S
    await cache.close()


async def test_cache_put_is_ignored(broken_url: str) -> None:
    """With a broken Redis a write that is the first command is dropped within one time-out."""
    cache = ResultCache(broken_url, TIMEOUT_S)
    with stopwatch() as seconds:
        await cache.put("k", RESULT)
    assert seconds[0] < TIMEOUT_S + SLOW_HOST_S
    await cache.close()


def test_version_is_unavailable(broken_url: str) -> None:
    """Asking a broken Redis for its version fails within one time-out, with a short error without the password."""
    with stopwatch() as seconds, pytest.raises(RedisUnavailable) as caught:
        server_version(connect(broken_url, TIMEOUT_S))
    assert seconds[0] < TIMEOUT_S + SLOW_HOST_S
    assert len(str(caught.value)) < 1000
    assert "secret" not in str(caught.value)


def test_answer_memory_is_bounded() -> None:
    """A Redis that never stops sending is abandoned after a few megabytes."""
    import tracemalloc

    with broken_server(SERVERS["floods"]) as url:
        tracemalloc.start()
        try:
            with pytest.raises(RedisUnavailable):
                server_version(connect(url, 20))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 5 * MOST_BYTES


def test_hanging_redis_many_threads() -> None:
    """Even if threads outnumber pooled connections, a hanging Redis delays each of them by only one time-out."""
    with broken_server(hangs) as url:
        client = connect(url, TIMEOUT_S)

        def ask() -> None:
            with pytest.raises(RedisUnavailable):
                server_version(client)

        with stopwatch() as seconds:
            threads = [threading.Thread(target=ask) for _ in range(40)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(30)
        assert seconds[0] < 2 * TIMEOUT_S + SLOW_HOST_S


@pytest.mark.parametrize(
    "url", ["redis://:hunter2/x@h:6379", "redis://:p@h:hunter2/0", "http://hunter2@h", "hunter2"]
)
def test_malformed_url_not_quoted(url: str) -> None:
    """The error for a malformed Redis URL quotes no part of it, because any part may belong to the password."""
    for make in (connect, ResultCache):
        with pytest.raises(ConfigError, match=r"redis\.url") as caught:
            make(url, 1)
        chain: BaseException | None = caught.value
        while chain is not None:
            assert "hunter2" not in str(chain)
            chain = chain.__cause__ or chain.__context__
