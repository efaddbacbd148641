"""Waiting for what another thread or process does: the one place where tests sleep between two looks."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import pytest

Found = TypeVar("Found")


def wait_for(look: Callable[[], Found], what: str = "the condition holds", deadline_s: float = 60) -> Found:
    """Look again and again until there is something; fail the test where there is nothing in time."""
    until = time.monotonic() + deadline_s
    while not (found := look()):
        if time.monotonic() > until:
            pytest.fail(f"in {deadline_s} s it did not happen that {what}")
        time.sleep(0.02)
    return found
