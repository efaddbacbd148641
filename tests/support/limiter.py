"""A rate limiter that records its calls, for tests of its callers."""

from __future__ import annotations


class RecordingLimiter:
    """A `RateLimiter` that always answers the same wait and records each call."""

    def __init__(self, wait: float = 0) -> None:
        self.wait = wait
        self.reserved: list[str] = []
        self.penalties: list[tuple[str, float]] = []

    def reserve(self, host: str) -> float:
        """Return the fixed wait."""
        self.reserved.append(host)
        return self.wait

    def penalize(self, host: str, seconds: float) -> None:
        """Record the penalty."""
        self.penalties.append((host, seconds))
