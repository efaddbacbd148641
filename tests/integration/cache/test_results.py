"""Results in a real Valkey."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import redis

from rapray.cache.results import DAY_S, ResultCache, key_of
from rapray.domain import Analysis, Provenance

RESULT = Analysis(
    "1",
    Provenance("a", "1", "m", "r", "p", "d"),
    "h",
    {"x": 0.1, "deep": {"y": ["é", None, True]}},
    0.25,
    0.5,
    (0.1, 1e-9),
    0.2,
    3,
    4,
    0.01,
)


async def test_results_round_trip_exactly(redis_url: str) -> None:
    """Every field survives to the last bit; the name of the text is the present caller's."""
    cache = ResultCache(redis_url, 2)
    key = key_of(["one"])
    assert await cache.get(key, "7") is None
    await cache.put(key, RESULT)
    assert await cache.get(key, "7") == replace(RESULT, key="7")
    await cache.close()


async def test_results_expire_after_day(redis_url: str) -> None:
    """The server evicts only what has an expiry."""
    cache = ResultCache(redis_url, 2)
    key = key_of(["one"])
    await cache.put(key, RESULT)
    with redis.Redis.from_url(redis_url) as client:
        assert DAY_S - 60 < client.ttl(key) <= DAY_S  # type: ignore[operator]
    await cache.close()


@pytest.mark.parametrize(
    "stored", [b"", b"{", b"[]", b"{}", b'{"embedding": null, "unknown": 1}', b"\xff", b"[" * 100_000]
)
async def test_results_unreadable_entry_missed(redis_url: str, stored: bytes) -> None:
    """Another program's entry, or another version's, is not an answer and not an error."""
    key = key_of(["one"])
    with redis.Redis.from_url(redis_url) as client:
        client.set(key, stored, ex=60)
    cache = ResultCache(redis_url, 2)
    assert await cache.get(key, "7") is None
    await cache.close()


@pytest.mark.parametrize(
    "changed",
    [
        {"key": "another"},
        {"sentiment": "high"},
        {"provenance": None},
        {"provenance": {"analyzer": "a"}},
        {"provenance": {"analyzer": "a", "version": 1}},
        {"sentiment": True},
        {"data": [1]},
        {"data": {"x": float("nan")}},
        {"data": {"x": "\ud800"}},
        {"data": {"x": "a\x00b"}},
        {"data": {"x": json.loads("[" * 300 + "]" * 300)}},
        {"embedding": [0.1, None]},
        {"embedding": "01"},
        {"version": 1},
        {"input_tokens": 1.5},
        {"added": 1},
        {},
    ],
    ids=str,
)
async def test_results_wrong_shape_missed(redis_url: str, changed: dict[str, object]) -> None:
    """Somebody else writes into the same server too: only what was kept under this key, as it was kept, is a result."""
    cache, key = ResultCache(redis_url, 2), key_of(["one"])
    await cache.put(key, RESULT)
    with redis.Redis.from_url(redis_url) as client:
        kept = json.loads(client.get(key))  # type: ignore[arg-type]
        client.set(key, json.dumps({**kept, **changed}), ex=60)
    assert (await cache.get(key, "7") is None) == bool(changed)
    await cache.close()


@pytest.mark.parametrize("number", [b"1e999", b"1E+400", b"1" * 400 + b".0"], ids=len)
async def test_results_infinite_number_missed(redis_url: str, number: bytes) -> None:
    """A number beyond all floats, in JSON that is valid, is no result: it could not be sent."""
    cache, key = ResultCache(redis_url, 2), key_of(["one"])
    await cache.put(key, replace(RESULT, data={"x": 4711}))
    with redis.Redis.from_url(redis_url) as client:
        kept: bytes = client.get(key)  # type: ignore[assignment]
        client.set(key, kept.replace(b"4711", b"1e5"), ex=60)
        finite = await cache.get(key, "7")
        client.set(key, kept.replace(b"4711", number), ex=60)
    assert finite is not None
    assert finite.data == {"x": 1e5}
    assert await cache.get(key, "7") is None
    await cache.close()


async def test_results_skip_nan_values(redis_url: str) -> None:
    """NaN would come back as something else."""
    cache = ResultCache(redis_url, 2)
    await cache.put("k", replace(RESULT, data={"x": float("nan")}))
    assert await cache.get("k", "7") is None
    await cache.close()


async def test_results_wrong_password_missed(redis_url: str) -> None:
    """A server that refuses is as good as none."""
    host = redis_url.rsplit("@", 1)[1]
    cache = ResultCache(f"redis://:wrong@{host}", 2)
    await cache.put("k", RESULT)
    assert await cache.get("k", "7") is None
    await cache.close()
