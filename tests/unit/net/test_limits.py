"""The time and the bytes of one exchange."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapray.net.limits import BodyTooLarge, ByteLimit, Deadline, announced_bytes


def test_deadline_cuts_timeout() -> None:
    """A wait lasts as long as it asks for, and never past the deadline."""
    deadline = Deadline(1000)
    assert deadline.remaining(3) == 3
    assert 990 < deadline.remaining(5000) <= 1000
    assert 990 < deadline.remaining() <= 1000


def test_deadline_over_raises() -> None:
    """No wait begins after the deadline."""
    with pytest.raises(TimeoutError):
        Deadline(0).remaining(10)


def test_byte_limit_counts_all() -> None:
    """The limit itself still fits; one more byte does not."""
    limit = ByteLimit(10)
    limit.take(4)
    limit.take(6)
    with pytest.raises(BodyTooLarge, match="10 bytes"):
        limit.take(1)


def test_byte_limit_reads_header() -> None:
    """A body that announces too much is refused before a byte of it is read."""
    limit = ByteLimit(10)
    limit.announce("10")
    limit.announce("")
    with pytest.raises(BodyTooLarge):
        limit.announce("11")


@pytest.mark.parametrize(
    ("header", "size"), [("0", 0), ("42", 42), ("", 0), ("-1", 0), ("٤٢", 0), ("4 2", 0), ("9" * 5000, 0)]
)
def test_announced_bytes_odd_headers(header: str, size: int) -> None:
    """What is no number counts as nothing, since the bytes are counted as they arrive."""
    assert announced_bytes(header) == size


@given(st.text(max_size=40))
def test_announced_bytes_any_text(header: str) -> None:
    """A header may hold anything."""
    assert announced_bytes(header) >= 0
