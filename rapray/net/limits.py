"""The limits of one exchange with another program: the time and the bytes that it may take."""

from __future__ import annotations

import time

_MOST_DIGITS = 19  # of a Content-Length; Python refuses to read numbers of thousands of digits


class Deadline:
    """The moment at which an exchange must be over.

    Args:
        seconds: from now on.
    """

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def remaining(self, timeout: float | None = None) -> float:
        """Return the seconds that are left, at most `timeout`.

        Raises:
            TimeoutError: none are left.
        """
        remaining_s = self._at - time.monotonic()
        if remaining_s <= 0:
            raise TimeoutError("the answer was not complete in time")
        return remaining_s if timeout is None else min(timeout, remaining_s)


class BodyTooLarge(Exception):
    """More bytes than the limit allows. Each client turns this into an outcome or an error of its own."""


class ByteLimit:
    """Counts the bytes of a body or an answer while it arrives.

    Args:
        max_bytes: the most that is accepted.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes, self._received = max_bytes, 0

    def announce(self, content_length: str) -> None:
        """Look at the Content-Length header before anything is read. Raises BodyTooLarge."""
        self._check(announced_bytes(content_length))

    def take(self, count: int) -> None:
        """Count bytes that have arrived. Raises BodyTooLarge."""
        self._received += count
        self._check(self._received)

    def _check(self, size: int) -> None:
        if size > self._max_bytes:
            message = f"the answer is longer than {self._max_bytes} bytes"
            raise BodyTooLarge(message)


def announced_bytes(content_length: str) -> int:
    """Return the number in a Content-Length header; 0 if it is empty or unreadable."""
    is_number = content_length.isascii() and content_length.isdecimal()
    return int(content_length) if is_number and len(content_length) <= _MOST_DIGITS else 0
