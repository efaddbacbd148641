"""How long to wait before a request is sent again: the host's own Retry-After, or a growing pause."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# Hosts have sent longer waits, and mistyped ones. After a day the request is simply sent again.
LONGEST_RETRY_AFTER_S = 86_400.0
_MOST_DOUBLINGS = 60  # a server that fails for hours reaches exponents that no float can hold


def parse_retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Return the seconds that a Retry-After header asks for, in [0, 86400]; None if it is absent or unreadable.

    Reads both forms of RFC 9110 section 10.2.3: seconds, and an HTTP date.
    """
    if value is None:
        return None
    value = value.strip()
    if value.isascii() and value.isdecimal():
        return min(float(value[:12]), LONGEST_RETRY_AFTER_S)
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    seconds = (at - (now or datetime.now(UTC))).total_seconds()
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_S)


def backoff(attempt: int, *, first_s: float = 0.5, longest_s: float = math.inf, jitter: float = 0.5) -> float:
    """Return the seconds to wait before repeat number `attempt`, counted from 0.

    Args:
        attempt: how many repeats there were before this one.
        first_s: the first wait; each later one is twice as long.
        longest_s: the longest wait, jitter included.
        jitter: the largest random addition, as a share of the wait. It keeps workers that failed together from coming
            back together.
    """
    wait_s = first_s * 2.0 ** min(attempt, _MOST_DOUBLINGS)
    return min(wait_s * random.uniform(1, 1 + jitter), longest_s)
