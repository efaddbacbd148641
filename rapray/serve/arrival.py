"""Deadlines for the body of a request: it must keep coming, and it must be complete in the end.

Knows ASGI and no endpoint; both the ingress and the proxy in front of it read bodies through this module.
"""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope

from rapray.errors import RequestTimeout


class Arrival:
    """The `receive` of one request, with deadlines until its body is complete.

    Args:
        receive: the server's own.
        idle_s: longest wait for the next byte.
        total_s: longest wait for the whole body, from when it is first asked for.
    """

    def __init__(self, receive: Receive, *, idle_s: float, total_s: float) -> None:
        self._receive, self._idle_s, self._total_s = receive, idle_s, total_s
        self._idle_until = self._until = 0.0
        self.is_complete = False

    async def __call__(self) -> Message:
        """Return the next message. Raises RequestTimeout if the body does not arrive in time."""
        if self.is_complete:
            return await self._receive()
        now = asyncio.get_running_loop().time()
        if not self._until:
            self._until, self._idle_until = now + self._total_s, now + self._idle_s
        deadline = min(self._until, self._idle_until)
        if now >= deadline:
            raise self._too_slow()
        try:
            async with asyncio.timeout_at(deadline):
                message = await self._receive()
        except TimeoutError as error:
            raise self._too_slow() from error
        if message.get("body"):
            self._idle_until = asyncio.get_running_loop().time() + self._idle_s
        self.is_complete = not message.get("more_body", False)
        return message

    def _too_slow(self) -> RequestTimeout:
        is_idle = self._idle_until < self._until
        limit = f"{self._idle_s:g} s without a byte" if is_idle else f"{self._total_s:g} s in all"
        return RequestTimeout(limit=limit)


def has_body(scope: Scope) -> bool:
    """Return True if a request announces a body."""
    headers = Headers(scope=scope)
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
