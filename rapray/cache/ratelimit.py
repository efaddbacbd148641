"""One rate limit a host, shared by every worker of every job through Redis.

Does not sleep: it hands out waiting times. Knows no HTTP; who is told to wait does the waiting.
"""

from __future__ import annotations

import math
from typing import Protocol

import redis

from rapray.cache.connection import PREFIX, Outage, map_errors, scripted, unexpected
from rapray.errors import RedisUnavailable

# GCRA (the "generic cell rate algorithm" of ATM, ITU-T I.371): one number a host, the theoretical arrival time of the
# next request. The clock is the server's, so that a worker with a wrong clock cannot exceed the rate.
# Times are whole microseconds, written with %.0f: Lua's own tostring would round them to 14 digits. Beside each stands
# how far ahead it lay when it was written: it cannot lie further ahead now, unless the server's clock was set back.
_NOW = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local function keep(key, at)
    local ahead = at - now
    local value = string.format('%.0f %.0f', at, ahead)
    redis.call('SET', key, value, 'PX', string.format('%.0f', math.ceil(ahead / 1000) + 1000))
    return at
end
local function kept(key)
    local at, ahead = string.match(redis.call('GET', key) or '0', '^(%d+) ?(%d*)$')
    local latest = now + (tonumber(ahead) or math.huge)
    return tonumber(at) > latest and keep(key, latest) or tonumber(at)
end
local blocked = kept(KEYS[2])
"""
_RESERVE = (
    _NOW
    + """
local interval, tolerance = tonumber(ARGV[1]), tonumber(ARGV[2])
local arrival = math.max(kept(KEYS[1]), now)
local start = math.max(now, arrival - tolerance, blocked)
keep(KEYS[1], math.max(arrival, start) + interval)
return string.format('%.0f', start - now)
"""
)
_PENALIZE = (
    _NOW
    + """
local wanted = now + tonumber(ARGV[1])
if wanted > blocked then keep(KEYS[2], wanted) end
"""
)
_MICROSECONDS = 1_000_000
_LONGEST_WAIT_US = (
    10**12
)  # eleven days, and the longest penalty is seven: other programs may write to our keys
_LONGEST_PENALTY_S = 7 * 86_400.0  # a host that asks for more has sent nonsense


def microseconds(answer: object) -> int:
    """Return a script's waiting time. Raises InvalidResponse for any other answer, or for weeks."""
    if isinstance(answer, bytes) and answer.isdigit() and len(answer) < len(str(_LONGEST_WAIT_US)):
        return int(answer)
    raise unexpected(answer)


class RateLimiter(Protocol):
    """One budget of requests a host, shared by every worker of every job."""

    def reserve(self, host: str) -> float:
        """Take the next free moment; returns the seconds until then."""
        ...

    def penalize(self, host: str, seconds: float) -> None:
        """Let nothing to this host leave for so long, whoever sends it; an earlier, longer block stays."""
        ...


class RedisRateLimiter:
    """A `RateLimiter` that all processes with the same Redis share."""

    def __init__(self, client: redis.Redis, requests_per_second: float, burst: int = 1) -> None:
        if not (math.isfinite(requests_per_second) and requests_per_second > 0) or burst < 1:
            reason = f"a rate above 0 and a burst of at least 1, not {requests_per_second} and {burst}"
            raise ValueError(reason)
        self._client = client
        # Rounded up: never faster than asked for.
        self._interval_us = math.ceil(_MICROSECONDS / requests_per_second)
        self._tolerance_us = self._interval_us * (burst - 1)
        self._reserve = scripted(client, _RESERVE)
        self._penalize = scripted(client, _PENALIZE)

    def reserve(self, host: str) -> float:
        """Take the next free moment; returns the seconds until then.

        A command that is repeated after a lost answer reserves twice, which is slower and never faster.

        Raises:
            RedisUnavailable: Redis does not answer.
        """
        with map_errors(self._client):
            wait = self._reserve(keys=_keys(host), args=[self._interval_us, self._tolerance_us])
            return microseconds(wait) / _MICROSECONDS

    def penalize(self, host: str, seconds: float) -> None:
        """Let nothing that is not reserved yet leave for so long; an earlier, longer block stays.

        Raises:
            RedisUnavailable: Redis does not answer.
        """
        if not seconds > 0:  # also for NaN
            return
        block_us = math.ceil(min(seconds, _LONGEST_PENALTY_S) * _MICROSECONDS)
        with map_errors(self._client):
            if (answer := self._penalize(keys=_keys(host), args=[block_us])) is not None:
                raise unexpected(answer)


class FallbackRateLimiter:
    """Uses the first limiter, and the second while the first cannot be reached.

    The two do not know each other's reservations: at a change-over one burst too many may leave.
    """

    def __init__(self, primary: RateLimiter, secondary: RateLimiter, retry_after_s: float = 15.0) -> None:
        self._primary = primary
        self._secondary = secondary
        self._outage = Outage("the rate limit of hosts", retry_after_s)

    @property
    def is_degraded(self) -> bool:
        """True while the second limiter is in use."""
        return self._outage.is_on

    def reserve(self, host: str) -> float:
        """Take the next free moment; returns the seconds until then."""
        if not self.is_degraded:
            try:
                return self._primary.reserve(host)
            except RedisUnavailable as error:
                self._outage.begin(error)
        return self._secondary.reserve(host)

    def penalize(self, host: str, seconds: float) -> None:
        """Block the host in both: a block must outlive the loss of Redis."""
        if not self.is_degraded:
            try:
                self._primary.penalize(host, seconds)
            except RedisUnavailable as error:
                self._outage.begin(error)
        self._secondary.penalize(host, seconds)


def _keys(host: str) -> list[str]:
    # The braces keep both keys on one node of a Redis cluster.
    return [f"{PREFIX}rate:{{{host}}}:arrival", f"{PREFIX}rate:{{{host}}}:blocked_until"]
