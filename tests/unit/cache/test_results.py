"""Keys of results, and a cache without a server."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapray.cache import results
from rapray.cache.results import PREFIX, ResultCache, key_of
from rapray.domain import Analysis, Provenance

RESULT = Analysis(
    "1", Provenance("a", "1"), "h", {"x": 1.5, "y": ["é"]}, sentiment=0.25, embedding=(0.5, 0.25)
)
PARTS = st.lists(st.none() | st.text(), max_size=5)


@given(PARTS, PARTS)
def test_key_separates_parts(one: list[str | None], other: list[str | None]) -> None:
    """Nothing that decides a result may fall together: not None and "", not ("ab", "c") and ("a", "bc")."""
    assert (key_of(one) == key_of(other)) == (one == other)
    assert key_of(one).startswith(PREFIX)


async def test_cache_without_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Redis that hangs up: no error, and after the first failure it is left alone for a while."""
    monkeypatch.setattr(results, "_PAUSE_S", 3600)
    callers = 0

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal callers
        callers += 1
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        cache = ResultCache(f"redis://127.0.0.1:{port}/0", 30)
        await cache.put("k", RESULT)
        at_first = callers
        for _ in range(100):
            assert await cache.get("k", "2") is None
        await cache.close()
    assert callers == at_first > 0
