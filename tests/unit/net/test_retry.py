"""Retry-After in both of its forms, and the waits without one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapray.net.retry import backoff, parse_retry_after

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", 0),
        (" 120 ", 120),
        ("999999999999999999999", 86_400),
        ("Mon, 23 Nov 2026 12:01:30 GMT", 90),
        ("Monday, 23-Nov-26 12:01:30 GMT", 90),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 0),
        ("Mon, 23 Nov 2099 11:00:00 GMT", 86_400),
        ("soon", None),
        ("-5", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_both_forms(value: str | None, expected: float | None) -> None:
    """Seconds or a date, never negative, never over a day."""
    assert parse_retry_after(value, NOW) == expected


@given(st.text(max_size=40))
def test_retry_after_any_text(value: str) -> None:
    """A header may hold anything."""
    seconds = parse_retry_after(value, NOW)
    assert seconds is None or 0 <= seconds <= 86_400


def test_backoff_doubles_with_jitter() -> None:
    """Each wait is at least twice the base of the one before, and at most half as much longer."""
    for attempt in range(8):
        assert 0.5 * 2**attempt <= backoff(attempt) <= 0.75 * 2**attempt


def test_backoff_stays_bounded() -> None:
    """A server may fail for days: its hundred thousandth repeat waits no longer than allowed."""
    assert [backoff(attempt, first_s=0.2, longest_s=30, jitter=0) for attempt in (0, 3)] == [0.2, 1.6]
    assert backoff(100_000, longest_s=30) == 30
