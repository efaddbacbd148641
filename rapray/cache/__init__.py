"""What rapray keeps in Redis; all of it may vanish, and nothing becomes wrong.

Knows no table: what Redis guards falls back to PostgreSQL in the layers above.
"""

from rapray.cache.connection import PREFIX, address_of, connect, map_errors, server_version
from rapray.cache.ratelimit import FallbackRateLimiter, RateLimiter, RedisRateLimiter

__all__ = [
    "PREFIX",
    "FallbackRateLimiter",
    "RateLimiter",
    "RedisRateLimiter",
    "address_of",
    "connect",
    "map_errors",
    "server_version",
]
