"""A cache of results without a server."""

from __future__ import annotations

from rapray.cache.results import ResultCache
from rapray.domain import Analysis


class MemoryCache(ResultCache):
    """A cache in memory."""

    def __init__(self, *, always: Analysis | None = None) -> None:
        self.results: dict[str, Analysis] = {}
        self._always = always

    async def get(self, key: str, lyric_key: str) -> Analysis | None:
        """Return the stored result."""
        return self._always or self.results.get(key)

    async def put(self, key: str, result: Analysis) -> None:
        """Store the result."""
        self.results[key] = result

    async def close(self) -> None:
        """Nothing to close."""
