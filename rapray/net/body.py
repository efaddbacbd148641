"""The body of an answer of httpx, read within a limit that also holds for what it decompresses to."""

from __future__ import annotations

import zlib

import httpx

from rapray.net.limits import ByteLimit

_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32


def read_body(response: httpx.Response, max_bytes: int) -> bytes:
    """Return the decompressed body.

    httpx would inflate a whole network read at once: a body that grows a thousandfold would be in memory before anyone
    could count it. So the decompression happens here.

    Args:
        response: opened for streaming, nothing read yet.
        max_bytes: limit of the compressed and of the decompressed size.

    Raises:
        BodyTooLarge: either size is over the limit.
        httpx.TransportError: the connection failed, or the body ended early.
        httpx.DecodingError: the body is not in the encoding that its header names.
    """
    compressed, inflated = ByteLimit(max_bytes), ByteLimit(max_bytes)
    compressed.announce(response.headers.get("content-length", ""))
    body = bytearray()
    inflater = _Inflater(response.headers.get("content-encoding", "identity"))
    for chunk in response.iter_raw():
        compressed.take(len(chunk))
        piece = inflater.feed(chunk, max_bytes + 1 - len(body))
        inflated.take(len(piece))
        body += piece
    inflater.finish()
    return bytes(body)


class _Inflater:
    """Decompresses one body, chunk by chunk."""

    def __init__(self, encoding: str) -> None:
        encoding = encoding.strip().lower()
        if encoding not in {"", "identity", "gzip", "x-gzip", "deflate"}:
            message = f"content encoding {encoding[:40]!r} was not asked for"
            raise httpx.DecodingError(message)
        self._stream = None if encoding in {"", "identity"} else zlib.decompressobj(_GZIP_OR_ZLIB)

    def feed(self, chunk: bytes, max_bytes: int) -> bytes:
        """Return what the chunk holds; once that is `max_bytes`, drop the rest."""
        if self._stream is None:
            return chunk
        inflated = bytearray()
        try:
            while chunk and len(inflated) < max_bytes:
                if self._stream.eof:  # gzip allows several members one after the other
                    self._stream = zlib.decompressobj(_GZIP_OR_ZLIB)
                inflated += self._stream.decompress(chunk, max_bytes - len(inflated))
                chunk = self._stream.unconsumed_tail or self._stream.unused_data
        except zlib.error as error:
            message = f"the compressed body is broken: {error}"
            raise httpx.DecodingError(message) from error
        return bytes(inflated)

    def finish(self) -> None:
        """Raise httpx.ReadError if the compressed body ended early."""
        if self._stream is not None and not self._stream.eof:
            raise httpx.ReadError("the compressed body ended early")
