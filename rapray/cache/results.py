"""Keeps what analyzers made of a text for a day, so that asking twice costs once.

Does not know analyzers: a key is made of whatever decides a result. Without Redis every look is a miss and nothing
fails. Plain redis-py: a read and a write with an expiry are two commands, and cashews would bring a second client,
pool and way of hiding errors for them.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, fields
from hashlib import sha256
from typing import Any, get_type_hints

import redis.asyncio
from pydantic import ConfigDict, create_model
from pydantic_core import from_json, to_json
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from rapray.cache.connection import PREFIX, Outage, unexpected
from rapray.cache.exchange import async_pool, exchange_async
from rapray.domain import Analysis, Provenance

DAY_S = 86_400
LARGEST_BYTES = 4_000_000  # a result beyond this is not worth a server's memory
_FORM = "3"  # raise it where the stored form changes: older entries are then never found
# After an error nobody asks for so long: a Redis that does not answer would add its time-out to every request.
_PAUSE_S = 5.0
_CLOSING_S = 0.1


def key_of(parts: Sequence[str | None]) -> str:
    """The key for everything that decides a result; None and "" differ, and no two lists of parts share a key."""
    plain = json.dumps([_FORM, *parts], ensure_ascii=True)
    return f"{PREFIX}analysis:{sha256(plain.encode()).hexdigest()}"


class ResultCache:
    """Analyses in Redis under an expiry, as JSON. Lives in one event loop; holds results, never failures."""

    def __init__(self, url: str, timeout_s: float, *, expiry_s: int = DAY_S) -> None:
        retry = Retry(NoBackoff(), retries=1)  # heals a connection that was closed while idle
        self._redis: Any = redis.asyncio.Redis.from_pool(async_pool(url, timeout_s, retry))
        self._timeout_s = timeout_s
        self._expiry_s = expiry_s
        self._outage = Outage("the cache of results", _PAUSE_S)

    async def get(self, key: str, lyric_key: str) -> Analysis | None:
        """The result under a key, given the caller's own name for the text; None where there is none or no Redis."""
        if self._outage.is_on:
            return None
        answer: bytes | None = None
        async with self._asked():
            reply = await self._redis.get(key)
            if reply is not None and not isinstance(reply, bytes):
                raise unexpected(reply)
            answer = reply
        return None if answer is None else _read(answer, key, lyric_key)

    async def put(self, key: str, result: Analysis) -> None:
        """Keep a result; done without a word where there is no Redis."""
        if self._outage.is_on:
            return
        stored = _written(key, result)
        if stored is None:
            return
        async with self._asked():
            if (answer := await self._redis.set(key, stored, ex=self._expiry_s)) is not True:
                raise unexpected(answer)

    @asynccontextmanager
    async def _asked(self) -> AsyncGenerator[None]:
        """Run one command within the time-out; any error or unexpected answer begins an outage."""
        try:
            async with exchange_async(self._timeout_s):
                yield
        except Exception as error:  # noqa: BLE001 - if the server is not Redis, redis-py raises anything
            self._outage.begin(error)
            await _finish_closing(self._redis.connection_pool.disconnect(inuse_connections=False))

    async def close(self) -> None:
        """Close every connection."""
        await _finish_closing(self._redis.aclose(close_connection_pool=True))


async def _finish_closing(closing: Awaitable[None]) -> None:
    """Close connections without waiting for a server that hangs: over TLS it would have to say goodbye first."""
    with suppress(Exception):  # the connections are dropped all the same
        async with asyncio.timeout(_CLOSING_S):
            await closing


def _written(key: str, result: Analysis) -> bytes | None:
    """The result as JSON, under whose key it is kept; None where it would not come back as it is or is too large."""
    # Not `asdict` of the result: it copies every list of `data`, and the event loop would stand still 1.8 ms instead of
    # 0.25.
    shown = {field.name: getattr(result, field.name) for field in fields(result)} | {"key": key}
    shown["provenance"] = asdict(result.provenance)
    try:
        stored = json.dumps(shown, ensure_ascii=True, allow_nan=False).encode()
    except (TypeError, ValueError):
        return None
    return stored if len(stored) <= LARGEST_BYTES else None


# Others may write into the same server: what is there is taken for a result only where it has the fields of one.
_FIELDS: Any = {name: (kind, ...) for name, kind in get_type_hints(Analysis).items()}
_Stored = create_model(
    "_Stored",
    __config__=ConfigDict(
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        protected_namespaces=(),
        revalidate_instances="always",
    ),
    **_FIELDS,
)


def _read(stored: bytes, key: str, lyric_key: str) -> Analysis | None:
    """The result; None where it was written under another key, or by a program with other fields."""
    try:
        values: dict[str, Any] = from_json(
            stored, allow_inf_nan=False
        )  # refuses half a character and deep nesting
        if values["key"] != key or not _is_answerable(values["data"]):
            return None
        values["provenance"] = Provenance(**values["provenance"])
        vector = values["embedding"]
        values |= {"key": lyric_key, "embedding": None if vector is None else tuple(vector)}
        return Analysis(**dict(_Stored.model_validate(values)))
    except (ValueError, TypeError, KeyError):
        return None


def _is_answerable(data: object) -> bool:
    """Return True if plain values can be sent and stored: without NUL, and without numbers beyond all floats."""
    plain = to_json(data, inf_nan_mode="constants")
    return b"\\u0000" not in plain and b"Infinity" not in plain
