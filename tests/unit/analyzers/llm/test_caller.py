"""Requests to a provider: when one is waited for, and when not."""

from __future__ import annotations

from typing import Any

import pytest

from rapray.analyzers.llm.caller import Caller
from rapray.analyzers.llm.completions import Generation
from rapray.analyzers.llm.costs import Usage
from rapray.analyzers.llm.prompts import Message
from rapray.cache.gate import GateLimits, ProcessGate
from rapray.config.llm import LlmSettings
from rapray.errors import ProviderPaused, ProviderUnavailable

LIMITS = GateLimits(concurrency=4, lease_s=60, failures=2, pause_s=10, patience_s=25)


class Clock:
    """Stands in for `time`: it goes on by what is slept."""

    now = slept = 0.0

    def monotonic(self) -> float:
        """Seconds."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
        self.slept += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of gate and caller."""
    stand_in = Clock()
    monkeypatch.setattr("rapray.analyzers.llm.caller.time", stand_in)
    return stand_in


class Model:
    """Answers while it is up."""

    def __init__(self) -> None:
        self.is_up, self.asked = False, 0

    def ask(self, messages: list[Message], **members: Any) -> Generation:
        """An answer, or none."""
        self.asked += 1
        if not self.is_up:
            raise ProviderUnavailable(provider="mine", reason="it is down", retry_after_s=None, status=502)
        return Generation("yes", "stop", 1, 1)


def caller(model: Model, clock: Clock) -> Caller:
    """One that would wait a minute for its provider."""
    provider = {"base_url": "http://127.0.0.1:1/v1", "model": "m", "max_retries": 0, "max_wait_s": 60}
    chosen = LlmSettings.model_validate({"providers": {"mine": provider}}).providers["mine"]
    return Caller("mine", chosen, model, ProcessGate(LIMITS, clock.monotonic))


def test_provider_wait_is_bounded(clock: Clock) -> None:
    """Lyric after lyric would wait for it else: what is left of a job ends at once, and says why."""
    model = Model()
    one = caller(model, clock)
    errors: list[Exception] = []
    for _ in range(100):
        with pytest.raises((ProviderUnavailable, ProviderPaused)) as caught:
            one.ask([{"role": "user", "content": "?"}], Usage())
        errors.append(caught.value)
    assert (model.asked, clock.slept <= 3 * LIMITS.pause_s) == (4, True)
    assert isinstance(errors[-1], ProviderPaused)
    assert "it is down" in str(errors[-1])


def test_provider_recovers_after_trial(clock: Clock) -> None:
    """What is down is tried after each pause; one answer, and everybody is let in."""
    model = Model()
    one = caller(model, clock)
    answered = 0
    for _ in range(100):
        try:
            one.ask([{"role": "user", "content": "?"}], Usage())
        except ProviderPaused:
            model.is_up = True
            clock.sleep(1)
        except ProviderUnavailable:
            pass
        else:
            answered += 1
    assert answered > 50
