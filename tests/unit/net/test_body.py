"""Bodies are read within their limit, compressed or not."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator

import httpx
import pytest

from rapray.net.body import read_body
from rapray.net.limits import BodyTooLarge

LINES = b"line after line\n" * 1000


class _Chunks(httpx.SyncByteStream):
    """A body in pieces of `size` bytes, which remembers how many were taken."""

    def __init__(self, body: bytes, size: int) -> None:
        self._body, self._size = body, size
        self.taken = 0

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self._body), self._size):
            self.taken += 1
            yield self._body[start : start + self._size]


def response(body: bytes, size: int = 1000, **headers: str) -> httpx.Response:
    """An answer whose body has not been read."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(200, headers=named, stream=_Chunks(body, size))


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (LINES, "identity"),
        (LINES, ""),
        (gzip.compress(LINES), "gzip"),
        (gzip.compress(LINES[:50]) + gzip.compress(LINES[50:]), "X-GZIP"),
        (zlib.compress(LINES), "deflate"),
    ],
    ids=["identity", "unnamed", "gzip", "two gzip members", "deflate"],
)
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_read_body_any_pieces(body: bytes, encoding: str, size: int) -> None:
    """The body is the same however the network cuts it, and exactly the limit still fits."""
    assert read_body(response(body, size, content_encoding=encoding), len(LINES)) == LINES


@pytest.mark.parametrize(
    ("body", "encoding"), [(LINES, "identity"), (gzip.compress(LINES), "gzip")], ids=["identity", "gzip"]
)
def test_read_body_over_limit(body: bytes, encoding: str) -> None:
    """One byte over the limit is too large."""
    with pytest.raises(BodyTooLarge):
        read_body(response(body, content_encoding=encoding), len(LINES) - 1)


def test_read_body_announced_too_large() -> None:
    """Nothing is read if the header says enough."""
    answer = response(LINES, content_length="16000")
    with pytest.raises(BodyTooLarge):
        read_body(answer, 15_999)
    assert isinstance(answer.stream, _Chunks)
    assert answer.stream.taken == 0


@pytest.mark.parametrize(
    "body", [b"no gzip", gzip.compress(LINES)[:-8] + b"checksum"], ids=["text", "checksum"]
)
def test_read_body_broken_compression(body: bytes) -> None:
    """What cannot be decompressed is an error of the answer."""
    with pytest.raises(httpx.DecodingError):
        read_body(response(body, content_encoding="gzip"), 100_000)


def test_read_body_ends_early() -> None:
    """A compressed body must be whole."""
    with pytest.raises(httpx.ReadError):
        read_body(response(gzip.compress(LINES)[:-9], content_encoding="gzip"), 100_000)


def test_read_body_foreign_encoding() -> None:
    """Only what was asked for is decompressed."""
    with pytest.raises(httpx.DecodingError, match="br"):
        read_body(response(b"", content_encoding="br"), 10)
