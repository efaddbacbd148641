"""A connection of the proxy's HTTP server that has to send a whole request head, and soon.

uvicorn waits for ever for the first byte and for the end of a head; its time-out is that of a connection between two
requests. Knows uvicorn and no request.
"""

from __future__ import annotations

from asyncio import BaseTransport, TimerHandle
from typing import Any, ClassVar

from uvicorn.protocols.http.auto import AutoHTTPProtocol

_Protocol: Any = AutoHTTPProtocol


class Connection(_Protocol):
    """Closed where a head is not complete within `head_timeout_s` of the connection, or of the head's first byte."""

    head_timeout_s: ClassVar[float] = 10.0
    _timer: TimerHandle | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        """Wait for a first request."""
        super().connection_made(transport)
        self._start()

    def data_received(self, data: bytes) -> None:
        """Wait for the rest of a head; what follows it has deadlines of its own."""
        super().data_received(data)
        if self._is_at_work():
            self._stop()
        elif not self.transport.is_closing():
            self._start()

    def handle_websocket_upgrade(self, *arguments: Any) -> None:
        """Hand the connection to another protocol: its head is complete."""
        self._stop()
        super().handle_websocket_upgrade(*arguments)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
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
