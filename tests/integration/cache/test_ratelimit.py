"""The shared rate limit, on a real Valkey."""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from rapray.cache import FallbackRateLimiter, RedisRateLimiter, connect, server_version
from rapray.errors import ConfigError, RedisUnavailable
from tests.support.waiting import left_of


@pytest.fixture
def client(redis_url: str):
    """A client as rapray makes it."""
    with connect(redis_url, timeout_s=60) as found:
        yield found


@pytest.fixture
def dead_client():
    """A client of a port that nobody listens on."""
    with socket.socket() as holder:  # bound, not listening: the port cannot be given to another
        holder.bind(("127.0.0.1", 0))
        with connect(f"redis://127.0.0.1:{holder.getsockname()[1]}/0", timeout_s=0.5) as found:
            yield found


def test_server_version_names_valkey(client: redis.Redis):
    """A Valkey says so, rather than the Redis version that it is compatible with."""
    assert server_version(client).startswith("Valkey 9.")


def test_server_version_without_server(dead_client: redis.Redis):
    """A refused connection names the address."""
    with pytest.raises(RedisUnavailable, match=r"127\.0\.0\.1:\d+"):
        server_version(dead_client)


def test_server_version_wrong_password(redis_url: str):
    """A refused password is reported, and not printed."""
    port = redis_url.rpartition(":")[2]
    stranger = connect(f"redis://:wrongsecret@127.0.0.1:{port}", timeout_s=5)
    with stranger, pytest.raises(RedisUnavailable) as caught:
        server_version(stranger)
    assert "wrongsecret" not in str(caught.value)


def test_connect_rejects_wrong_scheme():
    """A wrong scheme is the configuration's fault, not the server's."""
    with pytest.raises(ConfigError, match=r"redis\.url"):
        connect("http://localhost:6379", timeout_s=1)


def test_reserve_first_is_immediate(client: redis.Redis):
    """An idle host owes nothing."""
    assert RedisRateLimiter(client, requests_per_second=1).reserve("genius.com") == 0


def test_reserve_burst_then_spaced(client: redis.Redis):
    """A burst leaves together; what follows is one interval apart."""
    limiter = RedisRateLimiter(client, requests_per_second=0.1, burst=3)
    started = time.monotonic()
    waits = [limiter.reserve("genius.com") for _ in range(5)]
    assert waits[:3] == [0, 0, 0]
    assert waits[3] == left_of(10, started)
    assert waits[4] == left_of(20, started)


def test_reserve_separates_hosts(client: redis.Redis):
    """Each host has its own limit."""
    limiter = RedisRateLimiter(client, requests_per_second=0.01)
    assert limiter.reserve("genius.com") == 0
    assert limiter.reserve("api.genius.com") == 0
    assert limiter.reserve("genius.com") > 90


@pytest.mark.parametrize(("rate", "burst"), [(50, 1), (200, 5)])
def test_reserve_many_workers_rate(redis_url: str, rate: int, burst: int):
    """However many workers draw, the k-th moment handed out is not before its turn."""
    lock, moments = threading.Lock(), []

    def work() -> None:
        with connect(redis_url, timeout_s=60) as own:  # as another process would have
            limiter = RedisRateLimiter(own, rate, burst)
            for _ in range(15):
                before = time.monotonic()
                wait = limiter.reserve("genius.com")
                with lock:
                    moments.append((before + wait, time.monotonic() + wait))

    with ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(work) for _ in range(8)]:
            future.result()
    # The true moment lies between the two readings of this clock: earliest for the first, latest for the others.
    first = min(earliest for earliest, _ in moments)
    latest = sorted(latest for _, latest in moments)
    assert len(latest) == 120
    assert all(moment >= first + (k - burst) / rate for k, moment in enumerate(latest, start=1))


def test_penalize_blocks_every_worker(redis_url: str, client: redis.Redis):
    """One worker's Retry-After holds back another, and they then leave one by one."""
    started = time.monotonic()
    RedisRateLimiter(client, requests_per_second=1).penalize("genius.com", 60)
    with connect(redis_url, timeout_s=60) as other:
        limiter = RedisRateLimiter(other, requests_per_second=1)
        assert limiter.reserve("genius.com") == left_of(60, started)
        assert limiter.reserve("genius.com") == left_of(61, started)
        assert limiter.reserve("example.org") == 0


def test_penalize_shorter_changes_nothing(client: redis.Redis):
    """A second, shorter block leaves the first one standing; so do none and nonsense."""
    limiter = RedisRateLimiter(client, requests_per_second=10)
    started = time.monotonic()
    limiter.penalize("genius.com", 60)
    for seconds in (1, 0, -5, float("nan")):
        limiter.penalize("genius.com", seconds)
    assert limiter.reserve("genius.com") == left_of(60, started)


def test_penalize_longer_extends(client: redis.Redis):
    """A longer block replaces a shorter one."""
    limiter = RedisRateLimiter(client, requests_per_second=10)
    limiter.penalize("genius.com", 10)
    started = time.monotonic()
    limiter.penalize("genius.com", 60)
    assert limiter.reserve("genius.com") == left_of(60, started)


def test_reserve_clock_set_back(client: redis.Redis):
    """As if it had been an hour ahead when the moments were written; the block ends when it would have."""
    limiter = RedisRateLimiter(client, requests_per_second=0.01)
    limiter.reserve("genius.com")
    limiter.penalize("example.org", 200)
    for key in client.keys("*"):
        at, _, ahead = client.get(key).partition(b" ")
        client.set(key, b"%d %s" % (int(at) + 3_600_000_000, ahead))
    assert limiter.reserve("genius.com") == pytest.approx(100)
    assert limiter.reserve("example.org") == pytest.approx(200)
    end = client.get("rapray:rate:{example.org}:blocked_until")
    limiter.reserve("example.org")
    assert client.get("rapray:rate:{example.org}:blocked_until") == end


def test_keys_prefixed_and_expiring(client: redis.Redis):
    """Every key carries the prefix and an expiry, so that a full server can drop it."""
    limiter = RedisRateLimiter(client, requests_per_second=1)
    limiter.reserve("genius.com")
    limiter.penalize("genius.com", 5)
    keys = client.keys("*")
    assert len(keys) == 2
    assert all(key.startswith(b"rapray:") and client.pttl(key) > 0 for key in keys)


@pytest.mark.parametrize(("rate", "burst"), [(0, 1), (-1, 1), (float("nan"), 1), (float("inf"), 1), (1, 0)])
def test_limiter_rejects_zero_rate(client: redis.Redis, rate: float, burst: int):
    """A rate of zero would wait for ever; it is refused where it is given."""
    with pytest.raises(ValueError, match="rate above 0"):
        RedisRateLimiter(client, rate, burst)


class LocalLimiter:
    """Waits as told, and keeps what it was asked."""

    def __init__(self, wait_s: float) -> None:
        self.wait_s = wait_s
        self.penalties: list[tuple[str, float]] = []

    def reserve(self, host: str) -> float:
        """The same wait for every host."""
        return self.wait_s

    def penalize(self, host: str, seconds: float) -> None:
        """Keep it."""
        self.penalties.append((host, seconds))


def test_fallback_without_redis(dead_client: redis.Redis):
    """Without Redis, the second limiter decides, and a block reaches it."""
    second = LocalLimiter(7)
    limiter = FallbackRateLimiter(RedisRateLimiter(dead_client, 1), second)
    assert limiter.reserve("genius.com") == 7
    assert limiter.is_degraded
    limiter.penalize("genius.com", 30)
    assert second.penalties == [("genius.com", 30)]


def test_fallback_returns_to_redis(client: redis.Redis, dead_client: redis.Redis):
    """After its pause, the first limiter is asked again."""
    first = RedisRateLimiter(dead_client, 1)
    limiter = FallbackRateLimiter(first, LocalLimiter(7), retry_after_s=0)
    assert limiter.reserve("genius.com") == 7
    first.__init__(client, 1)  # the server is back under the same limiter
    assert limiter.reserve("genius.com") == 0
    assert not limiter.is_degraded


def test_fallback_block_outlives_redis(client: redis.Redis):
    """A block is kept in both limiters, so that losing Redis does not lift it."""
    second = LocalLimiter(7)
    limiter = FallbackRateLimiter(RedisRateLimiter(client, 1), second)
    started = time.monotonic()
    limiter.penalize("genius.com", 60)
    assert limiter.reserve("genius.com") == left_of(60, started)
    assert second.penalties == [("genius.com", 60)]


def test_reserve_after_flush_works(client: redis.Redis):
    """A Redis that was emptied, scripts included, is used again without a word."""
    limiter = RedisRateLimiter(client, requests_per_second=1)
    limiter.reserve("genius.com")
    client.flushall()
    client.script_flush()
    assert limiter.reserve("genius.com") == 0
