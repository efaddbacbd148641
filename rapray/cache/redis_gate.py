"""The gate before a provider, shared by every worker of every job through Redis.

pybreaker would keep the breaker in Redis too, but with the workers' clocks, keys that never expire, and nothing that
lets one trial pass for all processes together; limits and breaker in one script also cost one round trip, not five.
"""

from __future__ import annotations

import math
import threading
import uuid
from typing import Any

import redis

from rapray.cache.connection import PREFIX, Outage, map_errors, scripted, unexpected
from rapray.cache.gate import (
    BUSY_WAIT_S,
    TRIAL_WAIT_S,
    End,
    Gate,
    GateLimits,
    Pass,
    Wait,
    pause_of,
    per_minute,
)
from rapray.cache.ratelimit import microseconds
from rapray.errors import RedisUnavailable

_MICROSECONDS = 1_000_000
_KEEP_MS = 172_800_000  # a provider that nobody has asked for two days starts anew; no pause is as long

# The rules are those of `gate.ProcessGate`, and one test runs against both. Times are whole microseconds of the
# server's clock, written with %.0f: Lua's own tostring would round them to 14 digits. Where that clock is set back,
# time goes on from what was seen last: leases and pauses would last that much longer for everybody.
_NOW = f"""
local function field(name) return tonumber(redis.call('HGET', KEYS[1], name) or '0') end
local function set(name, value) redis.call('HSET', KEYS[1], name, string.format('%.0f', value)) end
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2] + field('ahead')
if now < field('seen') then
    set('ahead', field('ahead') + field('seen') - now)
    now = field('seen')
end
set('seen', now)
local keep = {_KEEP_MS}
redis.call('PEXPIRE', KEYS[1], keep)
redis.call('PEXPIRE', KEYS[2], keep)
"""
_ENTER = (
    _NOW
    + """
local ticket, lease, concurrency = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local request_us, token_us, tokens = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local reason = redis.call('HGET', KEYS[1], 'reason') or ''
local paused = field('paused') >= tonumber(ARGV[9]) and 'down' or 'wait'
if field('blocked_until') > now then
    return {paused, string.format('%.0f', field('blocked_until') - now), reason}
end
if field('is_open') == 1 and field('trial_until') > now then return {paused, ARGV[8], reason} end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
if redis.call('ZCARD', KEYS[2]) >= concurrency then return {'busy', ARGV[7], ''} end
local due = 0
if request_us > 0 then due = field('requests_at') end
if token_us > 0 then due = math.max(due, field('tokens_at')) end
if due > now then return {'wait', string.format('%.0f', due - now), ''} end
redis.call('ZADD', KEYS[2], string.format('%.0f', now + lease), ticket)
set('requests_at', math.max(now, field('requests_at')) + request_us)
set('tokens_at', math.max(now, field('tokens_at')) + tokens * token_us)
if field('is_open') == 1 then set('trial_until', now + lease) end
redis.call('PEXPIRE', KEYS[2], keep)
return {'pass', '0', ''}
"""
)
_LEAVE = (
    _NOW
    + """
local ticket, refund_us, how, reason = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local pause, failures = tonumber(ARGV[5]), tonumber(ARGV[6])
redis.call('ZREM', KEYS[2], ticket)
set('tokens_at', field('tokens_at') - refund_us)
if how == 'answered' then
    redis.call('HDEL', KEYS[1], 'failures', 'is_open', 'paused')
    return
end
redis.call('HDEL', KEYS[1], 'trial_until')
if how == 'unsent' then return end
if how == 'failed' then
    local counted = redis.call('HINCRBY', KEYS[1], 'failures', 1)
    if counted < failures and field('is_open') == 0 then return end
end
if how ~= 'throttled' then set('is_open', 1) end
local before = math.max(now, field('blocked_until'))
if now + pause > before then
    set('paused', field('paused') + now + pause - before)
    set('blocked_until', now + pause)
    redis.call('HSET', KEYS[1], 'reason', reason)
end
"""
)

_FORGOTTEN = (
    "blocked_until",
    "paused",
    "reason",
    "failures",
    "is_open",
    "trial_until",
    "requests_at",
    "tokens_at",
)


class RedisGate:
    """A `Gate` that all processes with the same Redis share.

    Args:
        client: of Redis.
        provider: its name there.
        limits: of the provider.
    """

    def __init__(self, client: redis.Redis, provider: str, limits: GateLimits) -> None:
        self._client = client
        # The braces keep both keys on one node of a Redis cluster.
        self._keys = [f"{PREFIX}gate:{{{provider}}}", f"{PREFIX}gate:{{{provider}}}:slots"]
        self._limits = limits
        self._token_us = per_minute(limits.tokens_per_minute) * _MICROSECONDS
        self._enter = scripted(client, _ENTER)
        self._leave = scripted(client, _LEAVE)

    def enter(self, tokens: int) -> Pass | Wait:
        """Take a slot and a place, or hear how long to wait.

        Raises:
            RedisUnavailable: Redis does not answer.
        """
        taken = Pass(uuid.uuid4().hex, tokens)
        request_us = math.ceil(per_minute(self._limits.requests_per_minute) * _MICROSECONDS)
        waits = [math.ceil(seconds * _MICROSECONDS) for seconds in (BUSY_WAIT_S, TRIAL_WAIT_S)]
        lease_us = math.ceil(self._limits.lease_s * _MICROSECONDS)
        patience_us = math.ceil(self._limits.patience_s * _MICROSECONDS)
        numbers = [lease_us, self._limits.concurrency, request_us, self._token_us, tokens]
        arguments = [taken.ticket, *numbers, *waits, patience_us]
        with map_errors(self._client):
            kind, seconds, reason = _entrance(self._enter(keys=self._keys, args=arguments))
        if kind == b"pass":
            return taken
        return Wait(seconds, reason, is_busy=kind == b"busy", is_down=kind == b"down")

    def leave(self, taken: Pass, end: End) -> None:
        """Give the slot and the unused tokens back, and tell how it went.

        Raises:
            RedisUnavailable: Redis does not answer; the slot is free again when its lease ends.
        """
        pause_s = pause_of(end, self._limits)
        refund_us = math.floor(max(0, taken.tokens - end.used_tokens) * self._token_us)
        numbers = [math.ceil(pause_s * _MICROSECONDS), self._limits.failures]
        with map_errors(self._client):
            arguments = [taken.ticket, refund_us, end.how, end.reason, *numbers]
            if (answer := self._leave(keys=self._keys, args=arguments)) is not None:
                raise unexpected(answer)

    def reopen(self) -> None:
        """Begin anew, but for the slots.

        Raises:
            RedisUnavailable: Redis does not answer.
        """
        with map_errors(self._client):
            answer: Any = self._client.hdel(self._keys[0], *_FORGOTTEN)
            if not isinstance(answer, int):
                raise unexpected(answer)


def _entrance(answer: object) -> tuple[bytes, float, str]:
    """Return what the script decided, for how many seconds to wait, and why."""
    match answer:
        case [b"pass" | b"wait" | b"busy" | b"down" as kind, wait_us, bytes() as reason]:
            return kind, microseconds(wait_us) / _MICROSECONDS, reason.decode(errors="replace")
        case _:
            raise unexpected(answer)


class FallbackGate:
    """Uses the first gate, and the second while the first cannot be reached; what entered one leaves that one.

    The second knows neither the slots nor the pauses of the first: for that time each process keeps the limits alone.
    """

    def __init__(self, primary: Gate, secondary: Gate, retry_after_s: float = 15.0) -> None:
        self._primary, self._secondary = primary, secondary
        self._outage = Outage("a provider's limits", retry_after_s)
        self._lock = threading.Lock()
        self._of_secondary: set[str] = set()

    def enter(self, tokens: int) -> Pass | Wait:
        """Take a slot and a place, or hear how long to wait."""
        if not self._outage.is_on:
            try:
                return self._primary.enter(tokens)
            except RedisUnavailable as error:
                self._outage.begin(error)
        found = self._secondary.enter(tokens)
        if isinstance(found, Pass):
            with self._lock:
                self._of_secondary.add(found.ticket)
        return found

    def leave(self, taken: Pass, end: End) -> None:
        """Give back to the gate that let it pass; a failure is told to the second too, should the first be gone."""
        with self._lock:
            is_of_secondary = taken.ticket in self._of_secondary
            self._of_secondary.discard(taken.ticket)
        if not is_of_secondary:
            try:
                self._primary.leave(taken, end)
                return
            except RedisUnavailable as error:
                self._outage.begin(error)
        self._secondary.leave(taken, end)

    def reopen(self) -> None:
        """Begin anew, but for the slots, in both."""
        try:
            self._primary.reopen()
        except RedisUnavailable as error:
            self._outage.begin(error)
        self._secondary.reopen()
