"""A connection of the proxy's HTTP server that is closed if a request's head is not complete in time.

uvicorn waits for ever for the first byte and for the end of a head; its own time-out covers only an idle
connection between two requests. Knows uvicorn and no request.
"""

from __future__ import annotations

from asyncio import BaseTransport, TimerHandle
from typing import Any, ClassVar

from uvicorn.protocols.http.auto import AutoHTTPProtocol

_Protocol: Any = AutoHTTPProtocol


class Connection(_Protocol):
    """A connection on which each head must be complete within `head_timeout_s`.

    The clock starts when the connection opens, and again with the first byte of each later head.
    """

    head_timeout_s: ClassVar[float] = 10.0
    _timer: TimerHandle | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        """Start the clock for the first request."""
        super().connection_made(transport)
        self._start()

    def data_received(self, data: bytes) -> None:
        """Run the clock until the head is complete; what follows it has deadlines of its own."""
        super().data_received(data)
        if self._is_at_work():
            self._stop()
        elif not self.transport.is_closing():
            self._start()

    def handle_websocket_upgrade(self, *arguments: Any) -> None:
        """Stop the clock, because the head is complete, and hand the connection to another protocol."""
        self._stop()
        super().handle_websocket_upgrade(*arguments)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._stop()
        super().connection_lost(exc)

    def _is_at_work(self) -> bool:
        is_upgraded = self.transport.get_protocol() is not self
        return is_upgraded or (self.cycle is not None and not self.cycle.response_complete)

    def _start(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self.head_timeout_s, self._end)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end(self) -> None:
        self._timer = None
        if not self._is_at_work():
            self.transport.abort()
