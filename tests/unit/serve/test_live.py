"""Services over the real parts, as far as they need no server."""

from __future__ import annotations

import asyncio
import threading
from unittest.mock import MagicMock

import pytest

from rapray.config import Settings
from rapray.domain import ModelInfo
from rapray.serve import live
from rapray.serve.live import LiveServices
from rapray.serve.roster import Roster
from tests.support.waiting import wait_for_task


@pytest.fixture
def services() -> LiveServices:
    """Over a database and a Redis where nobody listens."""
    settings = Settings.model_validate(
        {
            "database": {"url": "postgresql://127.0.0.1:1/none", "connect_timeout_s": 1},
            "redis": {"url": "redis://127.0.0.1:1/0"},
        }
    )
    return LiveServices(settings, MagicMock(), ModelInfo("embedding", "m", "1", 4), Roster({}))


async def test_abandoned_store_counts_writer(services: LiveServices, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its thread has its connection until it ends: those who come after it wait, and no connection is opened beside."""
    running, most = 0, 0
    counting, may_end = threading.Lock(), threading.Event()

    def slow(*_: object, **__: object) -> list[str]:
        nonlocal running, most
        with counting:
            running += 1
            most = max(most, running)
        may_end.wait(60)
        with counting:
            running -= 1
        return ["a"]

    monkeypatch.setattr(live.answers, "store", slow)
    given_up = [asyncio.create_task(services.store([], [])) for _ in range(2)]
    async with asyncio.timeout(60):
        await wait_for_task(lambda: most == 2, "both are writing")
        for task in given_up:
            task.cancel()
        await asyncio.wait(given_up)
        later = asyncio.create_task(services.store([], []))
        await asyncio.wait({later}, timeout=0.2)
        may_end.set()
        assert await later == ["a"]
    assert most == 2
    await services.close()
