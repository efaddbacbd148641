"""A rate limit that is only written down, for tests of what asks one."""

from __future__ import annotations


class RecordingLimiter:
    """A `RateLimiter` that gives one answer and remembers what it was told; nobody waits for it to let go."""

    def __init__(self, wait: float = 0) -> None:
        self.wait = wait
        self.reserved: list[str] = []
        self.penalties: list[tuple[str, float]] = []

    def reserve(self, host: str) -> float:
        """The fixed wait."""
        self.reserved.append(host)
        return self.wait

    def penalize(self, host: str, seconds: float) -> None:
        """Remembers."""
        self.penalties.append((host, seconds))
