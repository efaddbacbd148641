"""Reads the body of an answer within a limit of size.

Does not know what the body means, nor what becomes of a failure.
"""

from __future__ import annotations

import zlib

import httpx

_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32


class BodyTooLarge(Exception):
    """The body is longer than the limit; stays inside `rapray.sources.http`, which turns it into an answer."""


def read_body(response: httpx.Response, max_bytes: int) -> bytes:
    """The decompressed body.

    Decompression is ours because httpx inflates a whole network read at once: a thousandfold bomb would be in
    memory before anybody could count it.

    Args:
        response: Opened for streaming, nothing read.
        max_bytes: Limit of the compressed and of the decompressed size.

    Raises:
        BodyTooLarge: Either size is over the limit.
        httpx.TransportError: The connection failed, or the body ended early.
        httpx.DecodingError: The body is not in the encoding that it claims.
    """
    declared = response.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > max_bytes:
        raise BodyTooLarge
    body, received = bytearray(), 0
    inflater = _Inflater(response.headers.get("content-encoding", "identity"))
    for chunk in response.iter_raw():
        received += len(chunk)
        body += inflater.feed(chunk, max_bytes + 1 - len(body))
        if max(len(body), received) > max_bytes:
            raise BodyTooLarge
    inflater.finish()
    return bytes(body)


class _Inflater:
    """Takes one content encoding off, chunk by chunk."""

    def __init__(self, encoding: str) -> None:
        encoding = encoding.strip().lower()
        if encoding not in {"", "identity", "gzip", "x-gzip", "deflate"}:
            message = f"content encoding {encoding[:40]!r} was not asked for"
            raise httpx.DecodingError(message)
        self._stream = None if encoding in {"", "identity"} else zlib.decompressobj(_GZIP_OR_ZLIB)

    def feed(self, chunk: bytes, room: int) -> bytes:
        if self._stream is None:
            return chunk
        inflated = bytearray()
        try:
            while chunk and len(inflated) < room:
                if self._stream.eof:  # gzip allows several members one after the other
                    self._stream = zlib.decompressobj(_GZIP_OR_ZLIB)
                inflated += self._stream.decompress(chunk, room - len(inflated))
                chunk = self._stream.unconsumed_tail or self._stream.unused_data
        except zlib.error as error:
            message = f"the compressed body is broken: {error}"
            raise httpx.DecodingError(message) from error
        return bytes(inflated)

    def finish(self) -> None:
        if self._stream is not None and not self._stream.eof:
            raise httpx.ReadError("the compressed body ended early")
