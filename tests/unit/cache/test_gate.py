"""The gate before a provider, in one process; the rules are the same through Redis (tests/integration/cache)."""

from __future__ import annotations

import math

from rapray.cache.gate import BUSY_WAIT_S, End, GateLimits, Pass, ProcessGate, Wait


class Clock:
    """A clock that goes when told."""

    now = 100.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


def gate(**limits: float) -> tuple[ProcessGate, Clock]:
    """A gate with these limits, and its clock."""
    clock = Clock()
    return ProcessGate(GateLimits(**{"concurrency": 2, "lease_s": 60, **limits}), clock), clock  # type: ignore[arg-type]


def entered(found: Pass | Wait) -> Pass:
    """What was let in."""
    assert isinstance(found, Pass)
    return found


def test_gate_limits_slots() -> None:
    """A slot that is given back is taken again."""
    one, _ = gate()
    first = entered(one.enter(1))
    entered(one.enter(1))
    assert isinstance(one.enter(1), Wait)
    assert one.enter(1) == Wait(BUSY_WAIT_S, is_busy=True)
    one.leave(first, End("answered", 1))
    entered(one.enter(1))


def test_gate_dead_worker_slot() -> None:
    """Nobody gives it back, and nothing is stuck."""
    one, clock = gate(concurrency=1)
    entered(one.enter(1))
    clock.now += 61
    entered(one.enter(1))


def test_gate_paces_each_minute() -> None:
    """Sixty a minute are one a second; unused tokens are given back."""
    one, clock = gate(requests_per_minute=60, concurrency=100)
    entered(one.enter(1))
    assert one.enter(1) == Wait(1.0)
    clock.now += 1
    entered(one.enter(1))
    other, clock = gate(tokens_per_minute=6000, concurrency=100)
    taken = entered(other.enter(3000))
    assert other.enter(1) == Wait(30.0)
    other.leave(taken, End("answered", 1000))
    assert other.enter(1) == Wait(10.0)


def test_gate_breaker_trial_closes() -> None:
    """Five failures in a row; then a pause, then one request whose end decides."""
    one, clock = gate(failures=5, pause_s=30, concurrency=10)
    for _ in range(5):
        one.leave(entered(one.enter(1)), End("failed", reason="it is down"))
    assert one.enter(1) == Wait(30.0, "it is down")
    clock.now += 31
    trial = entered(one.enter(1))
    assert isinstance(one.enter(1), Wait)
    one.leave(trial, End("failed", reason="still down"))
    assert one.enter(1) == Wait(30.0, "still down")
    clock.now += 31
    one.leave(entered(one.enter(1)), End("answered"))
    assert all(isinstance(one.enter(1), Pass) for _ in range(5))


def test_gate_success_resets_failures() -> None:
    """Only failures in a row count."""
    one, _ = gate(failures=2)
    for how in ("failed", "answered", "failed", "answered"):
        one.leave(entered(one.enter(1)), End(how))  # type: ignore[arg-type]
    entered(one.enter(1))


def test_gate_refusal_and_reopen() -> None:
    """A key that is refused is refused to everybody; who has seen it work may say so."""
    one, _ = gate()
    one.leave(entered(one.enter(1)), End("refused", pause_s=600, reason="key"))
    assert one.enter(1) == Wait(600.0, "key", is_down=True)
    one.reopen()
    entered(one.enter(1))


def test_gate_retry_after_holds() -> None:
    """After it, all may go at once, not one trial."""
    one, clock = gate()
    one.leave(entered(one.enter(1)), End("throttled", pause_s=7))
    assert one.enter(1) == Wait(7.0)
    clock.now += 7.1
    entered(one.enter(1))
    entered(one.enter(1))


def test_gate_unsent_changes_nothing() -> None:
    """Nobody was asked: no failure, no success, and the next one may be the trial."""
    one, clock = gate(failures=2, pause_s=30, concurrency=1, tokens_per_minute=60)
    one.leave(entered(one.enter(0)), End("failed"))
    one.leave(entered(one.enter(500)), End("unsent"))
    one.leave(entered(one.enter(0)), End("failed", reason="it is down"))
    assert one.enter(1) == Wait(30.0, "it is down")
    clock.now += 31
    one.leave(entered(one.enter(0)), End("unsent"))
    one.leave(entered(one.enter(0)), End("failed", reason="still down"))
    assert one.enter(1) == Wait(30.0, "still down")


def test_gate_silent_provider_down() -> None:
    """Pauses count for what they cover together, not for each request that asked for one."""
    one, clock = gate(patience_s=10, concurrency=10)
    together = [entered(one.enter(1)) for _ in range(5)]
    for taken in together:
        one.leave(taken, End("throttled", pause_s=6))
    assert one.enter(1) == Wait(6.0)
    clock.now += 6
    one.leave(entered(one.enter(1)), End("throttled", pause_s=4))
    assert one.enter(1) == Wait(4.0, is_down=True)
    clock.now += 4
    one.leave(entered(one.enter(1)), End("answered"))
    one.leave(entered(one.enter(1)), End("throttled", pause_s=6))
    assert one.enter(1) == Wait(6.0)


def test_gate_wait_during_trial() -> None:
    """Whoever comes while it is tried hears why it was paused, and that waiting is in vain."""
    one, clock = gate(failures=1, pause_s=30, patience_s=30)
    one.leave(entered(one.enter(1)), End("failed", reason="no answer"))
    clock.now += 30
    entered(one.enter(1))
    found = one.enter(1)
    assert isinstance(found, Wait)
    assert (found.pause, found.is_down) == ("no answer", True)


def test_gate_long_pause_capped() -> None:
    """Nobody means that; and what is no number of seconds is no pause."""
    one, _ = gate()
    one.leave(entered(one.enter(1)), End("throttled", pause_s=float("nan")))
    one.leave(entered(one.enter(1)), End("throttled", pause_s=-1))
    one.leave(entered(one.enter(1)), End("throttled", pause_s=math.inf))
    assert one.enter(1) == Wait(86_400.0, is_down=True)


def test_gate_reopened_keeps_slots() -> None:
    """A limit that was raised counts at once; a request on its way is still one."""
    one, _ = gate(concurrency=2, tokens_per_minute=1)
    entered(one.enter(1_000_000))
    one.reopen()
    entered(one.enter(1))
    one.reopen()
    assert one.enter(1) == Wait(BUSY_WAIT_S, is_busy=True)
