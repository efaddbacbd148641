"""The gate before a provider, shared through a real Redis."""

from __future__ import annotations

import math
import subprocess
import sys
import threading
import time

import redis

from rapray.cache import connect
from rapray.cache.gate import End, GateLimits, Pass, ProcessGate, Wait
from rapray.cache.redis_gate import FallbackGate, RedisGate
from tests.support.waiting import left_of, wait_for

DEADLINE_S = 60


def gate(url: str, provider: str = "a", **limits: float) -> RedisGate:
    """A gate of a worker, with limits of its own."""
    return RedisGate(connect(url, 60), provider, GateLimits(**{"concurrency": 2, "lease_s": 600, **limits}))  # type: ignore[arg-type]


def entered(found: Pass | Wait) -> Pass:
    """What was let in."""
    assert isinstance(found, Pass), found
    return found


def until_entered(one: RedisGate) -> Pass:
    """Enter as soon as it is possible."""

    def enter() -> Pass | None:
        found = one.enter(1)
        return found if isinstance(found, Pass) else None

    found = wait_for(enter, "there is room", DEADLINE_S)
    assert found is not None
    return found


def test_gate_slots_across_processes(redis_url: str) -> None:
    """What another process holds is not free here."""
    one = gate(redis_url)
    entered(one.enter(1))
    program = (
        "import sys; from rapray.cache import connect; from rapray.cache.gate import GateLimits;"
        "from rapray.cache.redis_gate import RedisGate;"
        "gate = RedisGate(connect(sys.argv[1], 2), 'a', GateLimits(concurrency=2, lease_s=60));"
        "print(*(type(gate.enter(1)).__name__ for _ in range(2)))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program, redis_url], capture_output=True, encoding="utf-8", check=True
    )
    assert shown.stdout.split() == ["Pass", "Wait"]


def test_gate_dead_worker_slot(redis_url: str) -> None:
    """Nobody gives it back, and nothing is stuck."""
    one = gate(redis_url, concurrency=1, lease_s=600)
    entered(one.enter(1))
    wait = one.enter(1)
    assert isinstance(wait, Wait)
    assert wait.is_busy
    move_clock(redis_url, 600)
    entered(one.enter(1))


def test_gate_paces_each_minute(redis_url: str) -> None:
    """Unused tokens are given back to all."""
    one = gate(redis_url, requests_per_minute=0.6, concurrency=100)
    started = time.monotonic()
    entered(one.enter(1))
    wait = one.enter(1)
    assert isinstance(wait, Wait)
    assert wait.seconds == left_of(100, started)
    other = gate(redis_url, "b", tokens_per_minute=600, concurrency=100)
    started = time.monotonic()
    taken = entered(other.enter(3000))
    wait = other.enter(1)
    assert isinstance(wait, Wait)
    assert wait.seconds == left_of(300, started)
    other.leave(taken, End("answered", 1000))
    wait = other.enter(1)
    assert isinstance(wait, Wait)
    assert wait.seconds == left_of(100, started)


def test_gate_breaker_shared_trial(redis_url: str) -> None:
    """The failures of two workers count together; after the pause one request decides for all."""
    one, two = (gate(redis_url, failures=4, pause_s=60, concurrency=10) for _ in range(2))
    for worker in (one, two, one, two):
        worker.leave(entered(worker.enter(1)), End("failed", reason="it is down"))
    wait = two.enter(1)
    assert isinstance(wait, Wait)
    assert wait.pause == "it is down"
    move_clock(redis_url, 60)
    trial = entered(one.enter(1))
    assert isinstance(two.enter(1), Wait)
    one.leave(trial, End("answered"))
    assert all(isinstance(worker.enter(1), Pass) for worker in (one, two, two))


def test_gate_unsent_changes_nothing(redis_url: str) -> None:
    """Nobody was asked: the failures before and after it are two in a row."""
    one = gate(redis_url, failures=2, pause_s=600, concurrency=1, tokens_per_minute=60)
    one.leave(entered(one.enter(0)), End("failed"))
    one.leave(entered(one.enter(500)), End("unsent"))
    one.leave(entered(one.enter(0)), End("failed", reason="it is down"))
    wait = one.enter(1)
    assert isinstance(wait, Wait)
    assert (wait.pause, wait.is_busy) == ("it is down", False)


def test_gate_refusal_pauses_everybody(redis_url: str) -> None:
    """A key that is refused is refused to all workers."""
    one, two = gate(redis_url), gate(redis_url)
    one.leave(entered(one.enter(1)), End("refused", pause_s=600, reason="key"))
    wait = two.enter(1)
    assert isinstance(wait, Wait)
    assert (wait.pause, wait.seconds > 590) == ("key", True)
    two.reopen()
    entered(one.enter(1))


def test_gate_silent_provider_down(redis_url: str) -> None:
    """Two pauses of one moment are one; an answer ends it."""
    one, two = (gate(redis_url, patience_s=50, concurrency=10) for _ in range(2))
    for taken in [entered(worker.enter(1)) for worker in (one, two)]:
        one.leave(taken, End("throttled", pause_s=40))
    wait = two.enter(1)
    assert isinstance(wait, Wait)
    assert not wait.is_down
    move_clock(redis_url, 40)
    one.leave(entered(one.enter(1)), End("throttled", pause_s=40))
    wait = two.enter(1)
    assert isinstance(wait, Wait)
    assert wait.is_down
    move_clock(redis_url, 40)
    two.leave(entered(two.enter(1)), End("answered"))
    one.leave(entered(one.enter(1)), End("throttled", pause_s=40))
    wait = two.enter(1)
    assert isinstance(wait, Wait)
    assert not wait.is_down


def move_clock(url: str, seconds: int) -> None:
    """As if the server's clock went on by so much, or back: every moment that is kept lies that much earlier."""
    later = -seconds * 1_000_000
    with redis.Redis.from_url(url) as client:
        for key in client.scan_iter("*gate*"):
            if client.type(key) == b"zset":
                for ticket in client.zrange(key, 0, -1):
                    client.zincrby(key, later, ticket)
            else:
                moments = {
                    n: int(v) for n, v in client.hgetall(key).items() if v.isdigit() and int(v) > 10**15
                }
                client.hset(key, mapping={name: moment + later for name, moment in moments.items()})


def test_gate_clock_set_back(redis_url: str) -> None:
    """Neither for a slot of a dead worker, nor for a place of the minute, nor for the end of a pause."""
    one = gate(redis_url, concurrency=1, lease_s=0.2)
    entered(one.enter(1))
    move_clock(redis_url, -3600)
    taken = until_entered(one)
    one.leave(taken, End("throttled", pause_s=0.2))
    move_clock(redis_url, -7200)
    one.leave(until_entered(one), End("answered"))
    other = gate(redis_url, "b", requests_per_minute=300, concurrency=10)
    entered(other.enter(1))
    move_clock(redis_url, -3600)
    until_entered(other)


def test_gate_long_pause_capped(redis_url: str) -> None:
    """Nobody means that."""
    one = gate(redis_url)
    one.leave(entered(one.enter(1)), End("throttled", pause_s=math.inf))
    wait = one.enter(1)
    assert isinstance(wait, Wait)
    assert wait.seconds <= 86_400


def test_gate_reopened_keeps_slots(redis_url: str) -> None:
    """A limit that was raised counts at once; a request on its way is still one."""
    one = gate(redis_url, tokens_per_minute=1)
    entered(one.enter(1_000_000))
    one.reopen()
    entered(one.enter(1))
    one.reopen()
    wait = one.enter(1)
    assert isinstance(wait, Wait)
    assert wait.is_busy


def test_gate_keys_expire(redis_url: str) -> None:
    """The server evicts only keys that have an expiry."""
    one = gate(redis_url)
    one.leave(entered(one.enter(1)), End("failed"))
    entered(one.enter(1))
    with redis.Redis.from_url(redis_url) as client:
        keys = list(client.scan_iter("*gate*"))
        assert keys
        assert all(client.pttl(key) > 0 for key in keys)


def test_gate_threads_respect_limit(redis_url: str) -> None:
    """The highest number inside at once is the limit."""
    one = gate(redis_url, concurrency=3)
    inside, most, lock = 0, 0, threading.Lock()

    def work() -> None:
        nonlocal inside, most
        for _ in range(5):
            taken = until_entered(one)
            with lock:
                inside += 1
                most = max(most, inside)
            time.sleep(0.005)  # the others must find it inside
            with lock:
                inside -= 1
            one.leave(taken, End("answered"))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_S)
    assert 1 <= most <= 3


def test_fallback_gate_without_redis() -> None:
    """Nobody listens on port 1: no error, and a slot is a slot."""
    limits = GateLimits(concurrency=1, lease_s=60)
    one = FallbackGate(RedisGate(connect("redis://127.0.0.1:1", 0.2), "a", limits), ProcessGate(limits))
    taken = entered(one.enter(1))
    assert isinstance(one.enter(1), Wait)
    one.leave(taken, End("answered"))
    entered(one.enter(1))


def test_gate_foreign_values_fallback(redis_url: str) -> None:
    """A value that is no number counts as a Redis that does not answer: the process's own gate takes over."""
    client = connect(redis_url, 2)
    for nonsense in ("inf", "9" * 18):
        client.hset("rapray:gate:{a}", mapping={"blocked_until": nonsense})
        both = FallbackGate(gate(redis_url), ProcessGate(GateLimits(concurrency=2, lease_s=60)))
        entered(both.enter(1))
    in_an_hour = round((time.time() + 3600) * 1_000_000)
    client.hset("rapray:gate:{b}", mapping={"blocked_until": in_an_hour, "reason": b"\xff\xfe"})
    assert isinstance(gate(redis_url, "b").enter(1), Wait)
