"""Answers that are sent in pieces, each made when the one before it has been taken.

Knows no endpoint.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from fastapi.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from rapray.telemetry import logger

log = logger(__name__)
# Longest wait for a client to take the next bytes; so many at once that a slow connection is not one that is dead.
_UNREAD_S = 30.0
_AT_ONCE_BYTES = 65_536


class Streamed(StreamingResponse):
    """Pieces that end with their request, also where the client leaves in the middle, or stays and does not read."""

    def __init__(
        self,
        pieces: AsyncGenerator[bytes],
        status_code: int = 200,
        *,
        media_type: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(_cut(pieces), status_code, headers, media_type)
        self._pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the pieces; close the generator whatever happens, so that nobody works for a client who left."""

        async def taken(message: Message) -> None:
            try:
                async with asyncio.timeout(_UNREAD_S):
                    await send(message)
            except TimeoutError as error:
                raise _NotReadError from error

        async with aclosing(self._pieces):
            try:
                await super().__call__(scope, receive, taken)
            except _NotReadError:  # the answer stays incomplete, and the server closes the connection
                log.warning("the client does not read", seconds=_UNREAD_S)


class EventStream(Streamed):
    """Server-sent events."""

    media_type = "text/event-stream"

    def __init__(self, events: AsyncGenerator[bytes], status_code: int = 200) -> None:
        super().__init__(
            events, status_code, headers={"cache-control": "no-store", "x-accel-buffering": "no"}
        )


class _NotReadError(Exception):
    """The client did not take what was sent."""


async def _cut(pieces: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    async for piece in pieces:
        for start in range(0, len(piece), _AT_ONCE_BYTES):
            yield piece[start : start + _AT_ONCE_BYTES]
