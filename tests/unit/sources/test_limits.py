"""The rate limit inside one process."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rapray.sources.limits import ProcessRateLimiter


class Clock:
    """A clock that goes when told."""

    now = 100.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


def test_limiter_spaces_requests_and_keeps_hosts_apart() -> None:
    """Two a second: half a second between two of one host, none between two hosts."""
    limiter = ProcessRateLimiter(2, clock=Clock())
    assert [limiter.reserve("a") for _ in range(3)] == [0, 0.5, 1.0]
    assert limiter.reserve("b") == 0


def test_limiter_penalty_blocks_everybody_and_is_never_shortened() -> None:
    """The longest block counts; behind it the spacing goes on."""
    clock = Clock()
    limiter = ProcessRateLimiter(1, clock=clock)
    limiter.penalize("a", 10)
    limiter.penalize("a", 1)
    assert [limiter.reserve("a") for _ in range(2)] == [10, 11]
    clock.now += 20
    assert limiter.reserve("a") == 0


@given(st.lists(st.floats(0, 3), min_size=1, max_size=60), st.integers(1, 5))
def test_limiter_never_lets_more_leave_than_rate_and_burst_allow(pauses: list[float], burst: int) -> None:
    """In any window of w seconds at most w x rate + burst requests leave."""
    clock = Clock()
    limiter = ProcessRateLimiter(2, burst=burst, clock=clock)
    leaving: list[float] = []
    for pause in pauses:
        clock.now += pause
        leaving.append(clock.now + limiter.reserve("a"))
    for i, start in enumerate(leaving):
        for j in range(i, len(leaving)):
            assert j - i + 1 <= (leaving[j] - start) * 2 + burst + 1e-6
