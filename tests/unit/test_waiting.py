"""Waiting in tests: what a failure says."""

from __future__ import annotations

import itertools

import pytest

from tests.support.waiting import wait_for


def test_timeout_reports_last_state() -> None:
    """A message passed as a function is called at the deadline, so the failure describes the latest state."""
    looks = itertools.count(1)
    last = 0

    def look() -> bool:
        nonlocal last
        last = next(looks)
        return False

    with pytest.raises(pytest.fail.Exception) as failure:
        wait_for(look, lambda: f"look {last} is true", 0.1)
    assert last > 1
    assert f"look {last} is true" in str(failure.value)
