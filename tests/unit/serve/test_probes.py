"""Checks that many probes ask for at once."""

from __future__ import annotations

import asyncio

import pytest

from rapray.serve import probes
from rapray.serve.backend import Health
from rapray.serve.probes import Looks


class Watched:
    """A look that counts how often it was taken, and ends when it is told to."""

    def __init__(self) -> None:
        self.taken = 0
        self.may_end = asyncio.Event()

    async def look(self) -> Health:
        """Take it."""
        self.taken += 1
        await self.may_end.wait()
        return Health(())


async def test_flood_shares_one_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three hundred probes at once, and those of the second after it, cost one look; later ones another."""
    watched = Watched()
    looks = Looks(watched.look)
    flood = [asyncio.create_task(looks.latest()) for _ in range(300)]
    await asyncio.sleep(0)
    watched.may_end.set()
    assert len(await asyncio.gather(*flood)) == 300
    monkeypatch.setattr(probes, "KEPT_S", 1e6)
    await looks.latest()
    assert watched.taken == 1
    monkeypatch.setattr(probes, "KEPT_S", -1)
    await looks.latest()
    assert watched.taken == 2


async def test_departed_probe_disturbs_none() -> None:
    """A probe whose client left is cancelled; another that waits for the same look gets its answer."""
    watched = Watched()
    looks = Looks(watched.look)
    leaving, staying = asyncio.create_task(looks.latest()), asyncio.create_task(looks.latest())
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.sleep(0)
    watched.may_end.set()
    assert await staying == Health(())
    assert leaving.cancelled()
    assert watched.taken == 1
