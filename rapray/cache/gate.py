"""The gate before a provider that is paid or scarce: a slot, a place in the minute, and a circuit breaker in one.

Knows no HTTP and does not sleep: it lets pass or says how long to wait. `redis_gate.py` shares one gate among all
workers; `ProcessGate` keeps the same rules among the threads of one process.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from rapray.net.retry import LONGEST_RETRY_AFTER_S

BUSY_WAIT_S = 0.05  # until a slot is looked for again
TRIAL_WAIT_S = 0.25  # until the one trial after a pause is looked at again

Ended = Literal["answered", "failed", "refused", "throttled", "unsent"]


@dataclass(frozen=True, slots=True)
class GateLimits:
    """What one provider allows, all workers together; None where it sets no limit.

    `lease_s` frees the slot of a worker that died. After `failures` failed requests in a row nothing passes for
    `pause_s`; then one request is the trial, and the others wait for how it ends. A provider that was paused for
    `patience_s` with no answer between is down, until it answers one: it is tried after each pause, and no other
    request should wait for it.
    """

    concurrency: int
    lease_s: float
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    failures: int = 5
    pause_s: float = 30.0
    patience_s: float = 90.0


@dataclass(frozen=True, slots=True)
class Pass:
    """Leave to send one request; `tokens` were reserved for it."""

    ticket: str
    tokens: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing was taken: come back in `seconds`. `pause` says why where the provider is paused, else it is empty.

    `is_busy`: all slots are taken by requests of our own; the provider did not ask for this wait. `is_down`: waiting is
    in vain, see `GateLimits`.
    """

    seconds: float
    pause: str = ""
    is_busy: bool = False
    is_down: bool = False


@dataclass(frozen=True, slots=True)
class End:
    """How a request ended.

    "answered" closes the breaker (also where the answer was an error of the request's own), "failed" counts for it,
    "refused" (a key, a quota) opens it at once, "throttled" lets nothing pass for `pause_s`, a day at most, without
    opening it. There was no request where it was "unsent": that says nothing about the provider.
    """

    how: Ended
    used_tokens: int = 0
    pause_s: float | None = None
    reason: str = ""


class Gate(Protocol):
    """Lets requests to one provider pass, no more than its limits allow."""

    def enter(self, tokens: int) -> Pass | Wait:
        """Take a slot and a place for a request of at most so many tokens, or hear how long to wait."""
        ...

    def leave(self, taken: Pass, end: End) -> None:
        """Give the slot and the unused tokens back, and tell how it went."""
        ...

    def reopen(self) -> None:
        """Begin anew: no pause, no failure, no place of the minute is taken.

        Slots stay taken, for requests that are on their way; those of dead workers are free after their leases.
        """
        ...


@dataclass
class _State:
    slots: dict[str, float] = field(default_factory=dict[str, float])
    requests_at: float = 0.0
    tokens_at: float = 0.0
    blocked_until: float = 0.0
    paused_s: float = 0.0
    reason: str = ""
    failures: int = 0
    is_open: bool = False
    trial_until: float = 0.0


class ProcessGate:
    """A `Gate` for the threads of one process.

    Args:
        limits: of the provider.
        clock: seconds on a clock that never goes back.
    """

    def __init__(self, limits: GateLimits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._lock = threading.Lock()
        self._state = _State()

    def enter(self, tokens: int) -> Pass | Wait:
        """Take a slot and a place, or hear how long to wait."""
        with self._lock:
            state, now = self._state, self._clock()
            wait = _wait(state, now, self._limits)
            return wait or _take(state, now, self._limits, tokens)

    def leave(self, taken: Pass, end: End) -> None:
        """Give the slot and the unused tokens back, and tell how it went."""
        with self._lock:
            state, now = self._state, self._clock()
            state.slots.pop(taken.ticket, None)
            unused = max(0, taken.tokens - end.used_tokens)
            state.tokens_at -= unused * per_minute(self._limits.tokens_per_minute)
            _settle(state, now, self._limits, end)

    def reopen(self) -> None:
        """Begin anew, but for the slots."""
        with self._lock:
            self._state = _State(slots=self._state.slots)


def _wait(state: _State, now: float, limits: GateLimits) -> Wait | None:
    is_down = state.paused_s >= limits.patience_s
    if state.blocked_until > now:
        return Wait(state.blocked_until - now, state.reason, is_down=is_down)
    if state.is_open and state.trial_until > now:
        return Wait(TRIAL_WAIT_S, state.reason, is_down=is_down)
    state.slots = {ticket: until for ticket, until in state.slots.items() if until > now}
    if len(state.slots) >= limits.concurrency:
        return Wait(BUSY_WAIT_S, is_busy=True)
    due = max(
        state.requests_at if limits.requests_per_minute else 0,
        state.tokens_at if limits.tokens_per_minute else 0,
    )
    return Wait(due - now) if due > now else None


def _take(state: _State, now: float, limits: GateLimits, tokens: int) -> Pass:
    taken = Pass(uuid.uuid4().hex, tokens)
    state.slots[taken.ticket] = now + limits.lease_s
    state.requests_at = max(now, state.requests_at) + per_minute(limits.requests_per_minute)
    state.tokens_at = max(now, state.tokens_at) + tokens * per_minute(limits.tokens_per_minute)
    if state.is_open:
        state.trial_until = now + limits.lease_s
    return taken


def _settle(state: _State, now: float, limits: GateLimits, end: End) -> None:
    if end.how == "answered":
        state.failures, state.is_open, state.paused_s = 0, False, 0
        return
    state.trial_until = 0
    if end.how == "unsent":
        return
    pause_s = pause_of(end, limits)
    if end.how == "failed":
        state.failures += 1
        if state.failures < limits.failures and not state.is_open:
            return
    state.is_open = state.is_open or end.how != "throttled"
    before, until = max(now, state.blocked_until), now + pause_s
    if until > before:
        state.paused_s += until - before
        state.blocked_until, state.reason = until, end.reason


def pause_of(end: End, limits: GateLimits) -> float:
    """Seconds for which nothing should pass after such an end, in [0, 86400]."""
    pause_s = limits.pause_s if end.pause_s is None else end.pause_s
    return min(max(0.0, pause_s), LONGEST_RETRY_AFTER_S)


def per_minute(limit: int | None) -> float:
    """Seconds from one to the next at so many a minute; 0 where there is no limit."""
    return 60 / limit if limit else 0.0
