"""What answers of a language model cost, and the limit that no request passes."""

from __future__ import annotations

import pytest

from rapray.analyzers.llm.analyzer import LlmAnalyzer
from rapray.domain import Analysis
from rapray.errors import (
    ConfigError,
    CostLimitReached,
)
from tests.support.hostile import HostileServer, answers
from tests.support.qwen import TEXT, lyric, outcome, settings_for


class Purse:
    """A budget of so many dollars."""

    def __init__(self, usd: float) -> None:
        self.left, self.settled = usd, 0.0

    def reserve(self, provider: str, usd: float) -> None:
        """Take it out of the purse."""
        if usd > self.left:
            raise CostLimitReached(provider=provider, spent_usd=0, limit_usd=self.left)
        self.left -= usd

    def settle(self, provider: str, *, reserved_usd: float, cost_usd: float, **_: int) -> None:
        """Put back what was not needed."""
        self.left += reserved_usd - cost_usd
        self.settled += cost_usd


def test_cost_of_unknown_prices_is_not_invented() -> None:
    """No price, no figure."""
    found = outcome(answers())
    assert isinstance(found, Analysis)
    assert found.cost_usd is None


def test_cost_limit_ends_requests_before_they_are_sent() -> None:
    """What a request may cost at most is set aside first, so the limit is never passed."""
    purse = Purse(0.02)
    with HostileServer(answers()) as server:
        settings = settings_for(server, input_usd_per_million=1, output_usd_per_million=5)
        analyzer = LlmAnalyzer(settings, "qwen")
        analyzer.charge_to(purse)
        found = [analyzer.analyze([lyric(TEXT, str(n))])[0] for n in range(60)]
        sent = len(server.asked)
    codes = [getattr(one, "code", "ok") for one in found]
    assert codes == ["ok"] * sent + ["cost_limit"] * (60 - sent)
    assert 0 < sent < 60
    assert purse.settled == pytest.approx(sent * (100 + 5 * 50) / 1e6)
    assert purse.settled <= 0.02


def test_cost_limit_without_prices_is_refused() -> None:
    """A limit that nobody can keep to is no limit."""
    with HostileServer(answers()) as server:
        settings = settings_for(server)
        limited = settings.model_copy(update={"llm": settings.llm.model_copy(update={"max_cost_usd": 1.0})})
        with pytest.raises(ConfigError, match="input_usd_per_million"):
            LlmAnalyzer(limited, "qwen").charge_to(Purse(1))
