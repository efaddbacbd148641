"""A deadline for a whole request, from connecting to the last byte of the body.

Does not know HTTP: it bounds each wait of the connections below it. httpx and httpx2 bound a single wait alone, so a
server that sends or takes a byte now and then could keep a worker for ever, in its headers as in its body.
"""

from __future__ import annotations

import math
import ssl
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import httpcore

_PIECE_BYTES = 16_384  # of one write: a socket that has room takes it whole, so that each piece is one wait


class Deadline(threading.local):
    """When the request of this thread must be over, on `time.monotonic`; never, outside of `within`.

    Args:
        expired: what is raised then: the client's own `ReadTimeout`.
    """

    _at = math.inf

    def __init__(self, expired: type[Exception]) -> None:
        self._expired = expired

    @contextmanager
    def within(self, seconds: float) -> Generator[None]:
        """The requests of the block end in `expired` after so many seconds."""
        self._at = time.monotonic() + seconds
        try:
            yield
        finally:
            self._at = math.inf

    def bound(self, timeout: float | None) -> float | None:
        """The time-out of one wait, cut at the deadline."""
        left = self._at - time.monotonic()
        if left <= 0:
            raise self._expired("the answer did not arrive in time")
        return timeout if left == math.inf else min(left, left if timeout is None else timeout)

    def hold(self, client: Any) -> None:
        """Let every connection that this client of httpx or httpx2 opens from now on keep to the deadline."""
        # With a transport of our own httpx would not see the environment's proxies.
        for transport in filter(None, (client._transport, *client._mounts.values())):  # noqa: SLF001 - no argument does it
            pool = transport._pool  # noqa: SLF001 - the same
            pool._network_backend = _Backend(pool._network_backend, self)  # noqa: SLF001 - the same


class _Backend(httpcore.NetworkBackend):
    def __init__(self, inner: Any, deadline: Deadline) -> None:
        self._inner, self._deadline = inner, deadline

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *args: Any, **kwargs: Any
    ) -> httpcore.NetworkStream:
        stream = self._inner.connect_tcp(host, port, self._deadline.bound(timeout), *args, **kwargs)
        return _Stream(stream, self._deadline)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: Any, deadline: Deadline) -> None:
        self._inner, self._deadline = inner, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.bound(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _PIECE_BYTES):
            self._inner.write(buffer[start : start + _PIECE_BYTES], self._deadline.bound(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        inner = self._inner.start_tls(ssl_context, server_hostname, self._deadline.bound(timeout))
        return _Stream(inner, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
