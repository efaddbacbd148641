"""What is not a Redis, or a broken one, at the address of Redis: as good as none, and soon."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from rapray.cache import FallbackRateLimiter, RedisRateLimiter, connect, server_version
from rapray.cache.exchange import MOST_BYTES
from rapray.cache.gate import End, GateLimits, Pass, ProcessGate
from rapray.cache.redis_gate import FallbackGate, RedisGate
from rapray.cache.results import ResultCache
from rapray.domain import Analysis, Provenance
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
LONG_TIMEOUT_S = 3.0  # so long that a busy machine does not make one of it look like two
RESULT = Analysis("1", Provenance("a", "1"), "h", {"x": 1})
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


def use_gate(url: str, timeout_s: float) -> FallbackGate:
    """Take a place and give it back."""
    gate = FallbackGate(RedisGate(connect(url, timeout_s), "p", LIMITS), ProcessGate(LIMITS))
    taken = gate.enter(1)
    assert isinstance(taken, Pass)
    gate.leave(taken, End("answered", 1))
    return gate


def use_limiter(url: str, timeout_s: float) -> None:
    """Ask for a slot, then delay the next ones; the second limiter answers."""
    second = RecordingLimiter(0.25)
    limiter = FallbackRateLimiter(RedisRateLimiter(connect(url, timeout_s), 1), second)
    assert limiter.reserve("h") == 0.25
    limiter.penalize("h", 5)
    assert second.penalties == [("h", 5)]


async def use_cache(url: str, timeout_s: float) -> None:
    """Look a result up, then store it."""
    cache = ResultCache(url, timeout_s)
    assert await cache.get("k", "1") is None
    await cache.put("k", RESULT)
    await cache.close()


async def write_cache(url: str, timeout_s: float) -> None:
    """Store a result."""
    cache = ResultCache(url, timeout_s)
    await cache.put("k", RESULT)
    await cache.close()


def ask_version(url: str, timeout_s: float) -> None:
    """Ask for the version; the error must be short and must not have the password."""
    with pytest.raises(RedisUnavailable) as caught:
        server_version(connect(url, timeout_s))
    assert len(str(caught.value)) < 1000
    assert "secret" not in str(caught.value)


def test_gate_falls_back(broken_url: str) -> None:
    """With a broken Redis the process's own gate takes over."""
    use_gate(broken_url, TIMEOUT_S).reopen()


def test_limiter_falls_back(broken_url: str) -> None:
    """With a broken Redis the second rate limiter takes over."""
    use_limiter(broken_url, TIMEOUT_S)


async def test_cache_get_misses(broken_url: str) -> None:
    """With a broken Redis a lookup misses, and the write after it is dropped."""
    await use_cache(broken_url, TIMEOUT_S)


async def test_cache_put_is_ignored(broken_url: str) -> None:
    """With a broken Redis a write that is the first command is dropped."""
    await write_cache(broken_url, TIMEOUT_S)


def test_version_is_unavailable(broken_url: str) -> None:
    """Asking a broken Redis for its version fails with a short error without the password."""
    ask_version(broken_url, TIMEOUT_S)


@pytest.mark.parametrize("kind", [kind for kind in SERVERS if kind.startswith(("hangs", "drips"))])
def test_waiting_costs_one_timeout(kind: str) -> None:
    """However a server keeps its client waiting, each way to use Redis ends after one time-out, not after several."""
    uses: dict[str, Callable[[str, float], object]] = {
        "gate": use_gate,
        "limiter": use_limiter,
        "get": lambda url, timeout_s: asyncio.run(use_cache(url, timeout_s)),
        "put": lambda url, timeout_s: asyncio.run(write_cache(url, timeout_s)),
        "version": ask_version,
    }

    def seconds_of(use: Callable[[str, float], object]) -> float:
        with stopwatch() as seconds:
            use(url, LONG_TIMEOUT_S)
        return seconds[0]

    with broken_server(SERVERS[kind]) as url, ThreadPoolExecutor(len(uses)) as threads:
        seconds = dict(zip(uses, threads.map(seconds_of, uses.values()), strict=True))
    assert {use: taken for use, taken in seconds.items() if taken >= 2 * LONG_TIMEOUT_S} == {}


async def test_hanging_tls_server_misses(tmp_path: Path) -> None:
    """A server behind TLS that hangs is an outage, though its idle connections cannot be closed properly."""
    served = threading.Semaphore(0)
    with broken_server(_in_tls(tmp_path, served)) as url:
        cache = ResultCache(f"{url.replace('redis://', 'rediss://')}?ssl_cert_reqs=none", LONG_TIMEOUT_S)
        # Two connections, of which the next command takes one and leaves the other idle.
        assert await asyncio.gather(cache.get("k", "1"), cache.get("l", "1")) == [None, None]
        assert [served.acquire(timeout=0) for _ in range(2)] == [True, True]
        assert await cache.get("k", "1") is None
        await cache.put("k", RESULT)
        await cache.close()


def _in_tls(directory: Path, served: threading.Semaphore) -> Behaviour:
    """Answer over TLS the set-up of a connection and one lookup, then neither read nor close."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_certificate(directory))

    def behave(connection: socket.socket, is_over: threading.Event) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            for reply in (OK, OK, b"$-1\r\n"):
                secured.recv(65_536)
                secured.sendall(reply)
            served.release()
            is_over.wait()

    return behave


def _certificate(directory: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    today = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = directory / "server.pem"
    path.write_bytes(secret + signed.public_bytes(pem))
    return path


def test_bounds_hold_with_hiredis() -> None:
    """Where hiredis is installed, connections still read through what bounds an exchange."""
    program = """
import sys, types
sys.modules["hiredis"] = hiredis = types.ModuleType("hiredis")
hiredis.__version__, hiredis.pack_command, hiredis.Reader = "3.4.0", None, object
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.utils import HIREDIS_AVAILABLE
from rapray.cache.exchange import async_pool, pool
assert HIREDIS_AVAILABLE
for make in (pool, async_pool):
    print(type(make("redis://h", 1, Retry(NoBackoff(), 0)).make_connection()._parser).__name__)
"""
    names = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, encoding="utf-8")
    assert "Hiredis" not in names.stdout
    assert len(names.stdout.split()) == 2


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
        client = connect(url, LONG_TIMEOUT_S)

        def ask() -> None:
            with pytest.raises(RedisUnavailable):
                server_version(client)

        with stopwatch() as seconds:
            threads = [threading.Thread(target=ask) for _ in range(40)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(30)
        assert seconds[0] < 2 * LONG_TIMEOUT_S


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
