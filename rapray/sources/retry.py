"""How long to wait before asking again.

Does not wait and does not ask.
"""

from __future__ import annotations

import random

from rapray.cache.retry_after import LONGEST_RETRY_AFTER_S, parse_retry_after

__all__ = ["LONGEST_RETRY_AFTER_S", "backoff", "parse_retry_after"]

_FIRST_BACKOFF_S = 0.5


def backoff(attempt: int) -> float:
    """Seconds before repeat number `attempt` (from 0): doubling from half a second, up to half as much on top.

    The random part keeps workers that failed together from coming back together.
    """
    return _FIRST_BACKOFF_S * 2**attempt * random.uniform(1, 1.5)
