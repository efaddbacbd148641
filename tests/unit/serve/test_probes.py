"""Checks that many probes ask for at once."""

from __future__ import annotations

import asyncio

import pytest

from rapray.serve import probes
from rapray.serve.backend import Health
from rapray.serve.probes import SharedCheck


class CountedCheck:
    """A check that counts how often it is started, and ends when it is told to."""

    def __init__(self) -> None:
        self.starts = 0
        self.may_end = asyncio.Event()

    async def run(self) -> Health:
        """Wait to be told to end."""
        self.starts += 1
        await self.may_end.wait()
        return Health(())


async def test_flood_shares_one_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """300 concurrent probes and those within the next second share one check; a later one starts another."""
    check = CountedCheck()
    shared = SharedCheck(check.run)
    flood = [asyncio.create_task(shared.latest()) for _ in range(300)]
    await asyncio.sleep(0)
    check.may_end.set()
    assert len(await asyncio.gather(*flood)) == 300
    monkeypatch.setattr(probes, "MAX_AGE_S", 1e6)
    await shared.latest()
    assert check.starts == 1
    monkeypatch.setattr(probes, "MAX_AGE_S", -1)
    await shared.latest()
    assert check.starts == 2


async def test_departed_probe_disturbs_none() -> None:
    """A probe whose client left is cancelled; another that waits for the same check gets its answer."""
    check = CountedCheck()
    shared = SharedCheck(check.run)
    leaving, staying = asyncio.create_task(shared.latest()), asyncio.create_task(shared.latest())
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.sleep(0)
    check.may_end.set()
    assert await staying == Health(())
    assert leaving.cancelled()
    assert check.starts == 1
