"""Waiting for what another thread, process or task does: the one place where tests sleep between two looks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

import pytest

Result = TypeVar("Result")
# A text, or a function that is called when time is up, so that it can tell how far things have come.
What = str | Callable[[], str]
_BETWEEN_S = 0.02


def wait_for(
    look: Callable[[], Result],
    what: What = "the condition holds",
    deadline_s: float = 60,
    pause_s: float = _BETWEEN_S,
) -> Result:
    """Look again and again until there is something; fail the test if there is nothing in time.

    Args:
        look: Returns something true once the wait is over.
        what: What should happen, for the failure's message. Give a function if it tells how far things have come.
        deadline_s: Longest wait.
        pause_s: Time between two looks. Give a longer one if a look costs the server something.
    """
    until = time.monotonic() + deadline_s
    while not (result := look()):
        _check(until, what, deadline_s)
        time.sleep(pause_s)
    return result


async def wait_for_task(
    look: Callable[[], Result], what: What = "the condition holds", deadline_s: float = 60
) -> Result:
    """As `wait_for`, on an event loop that goes on meanwhile."""
    until = time.monotonic() + deadline_s
    while not (result := look()):
        _check(until, what, deadline_s)
        await asyncio.sleep(_BETWEEN_S)
    return result


async def settled(look: Callable[[], Result], for_s: float = 0.2, deadline_s: float = 60) -> Result:
    """What there is once it has stayed the same for a while, on an event loop: for what must not go on."""
    until = time.monotonic() + deadline_s
    state, since = look(), time.monotonic()
    while time.monotonic() - since < for_s:
        _check(until, "it stays the same", deadline_s)
        await asyncio.sleep(_BETWEEN_S)
        if (now := look()) != state:
            state, since = now, time.monotonic()
    return state


def left_of(seconds: float, since: float) -> object:
    """Return an approximation of what is left of `seconds` that began after `since` (`time.monotonic`)."""
    took = time.monotonic() - since
    return pytest.approx(seconds - took / 2, abs=took / 2 + 0.01)


def _check(until: float, what: What, deadline_s: float) -> None:
    if time.monotonic() > until:
        reason = what if isinstance(what, str) else what()
        pytest.fail(f"after {deadline_s} s it is still not true that {reason}")
