"""What answers of a language model cost, and the limit that no request passes."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

import pytest

from rapray.analyzers.llm.analyzer import LlmAnalyzer
from rapray.analyzers.llm.completions import Generation
from rapray.analyzers.llm.costs import Usage
from rapray.domain import Analysis, Failure
from rapray.errors import (
    ConfigError,
    CostLimitReached,
    DatabaseUnavailable,
)
from tests.support.hostile import ANSWER, HostileServer, Reply, answers, cut, error, says, slow, status
from tests.support.qwen import TEXT, lyric, outcome, settings_for

PRICES = {"input_usd_per_million": 1, "output_usd_per_million": 5}
MOST_OUT = 2048 * 5 / 1e6
"""Of any answer under these prices."""


class Purse:
    """A budget of so many dollars."""

    def __init__(self, usd: float) -> None:
        self.left, self.settled, self.requests = usd, 0.0, 0
        self.reserved: dict[UUID, float] = {}

    def reserve(self, provider: str, usd: float) -> UUID:
        """Take it out of the purse."""
        if usd > self.left:
            raise CostLimitReached(provider=provider, spent_usd=0, limit_usd=self.left)
        self.left -= usd
        self.requests += 1
        reservation = uuid4()
        self.reserved[reservation] = usd
        return reservation

    def settle(self, reservation: UUID, *, cost_usd: float, **_: int) -> None:
        """Put back what was not needed."""
        self.left += self.reserved.pop(reservation) - cost_usd
        self.settled += cost_usd

    def release(self, reservation: UUID) -> None:
        """Put back all of it."""
        self.left += self.reserved.pop(reservation)
        self.requests -= 1


def body(**usage: Any) -> Reply:
    """A good answer with this beside it."""
    choices = [{"message": {"content": json.dumps(ANSWER)}, "finish_reason": "stop"}]
    return status(200, {"choices": choices, **usage})


def charged(*script: Reply, usd: float = 1.0, **provider: Any) -> tuple[Analysis | Failure, Purse]:
    """What comes of one lyric, and the purse that it was charged to."""
    purse = Purse(usd)
    with HostileServer(*script) as server:
        analyzer = LlmAnalyzer(settings_for(server, max_retries=0, **PRICES, **provider), "qwen")
        analyzer.charge_to(purse)
        return analyzer.analyze([lyric()])[0], purse


def test_cost_without_prices() -> None:
    """No price, no figure."""
    found = outcome(answers())
    assert isinstance(found, Analysis)
    assert found.cost_usd is None


def test_cost_limit_blocks_requests() -> None:
    """What a request may cost at most is set aside first, so the limit is never passed."""
    purse = Purse(0.02)
    with HostileServer(answers()) as server:
        analyzer = LlmAnalyzer(settings_for(server, **PRICES), "qwen")
        analyzer.charge_to(purse)
        found = [analyzer.analyze([lyric(TEXT, str(n))])[0] for n in range(60)]
        sent = len(server.asked)
    codes = [getattr(one, "code", "ok") for one in found]
    assert codes == ["ok"] * sent + ["cost_limit"] * (60 - sent)
    assert 0 < sent < 60
    assert purse.requests == sent
    assert purse.settled == pytest.approx(sent * (100 + 5 * 50) / 1e6)
    assert purse.settled <= 0.02


@pytest.mark.parametrize(
    "usage",
    [
        {},
        {"usage": None},
        {"usage": {}},
        {"usage": {"prompt_tokens": 0, "completion_tokens": None}},
        {"usage": {"prompt_tokens": -1, "completion_tokens": "many"}},
        {"usage": "none"},
        {"usage": {"prompt_tokens": 2**31, "completion_tokens": 2**63}},
        {"usage": {"prompt_tokens": 10**400, "completion_tokens": 10**400}},
        {"usage": {"prompt_tokens": True, "completion_tokens": 1.5}},
    ],
)
def test_cost_without_usage_data(usage: dict[str, Any]) -> None:
    """The answer counts, its result claims no tokens and no price, and the run pays the most it may have cost."""
    found, purse = charged(body(**usage))
    assert isinstance(found, Analysis), found
    assert (found.input_tokens, found.output_tokens, found.cost_usd) == (None, None, None)
    assert purse.settled > MOST_OUT
    assert not purse.reserved


def test_usage_beyond_integer_range() -> None:
    """A count that a request may have, said often enough: the run's account holds the sum, a result does not."""
    used = Usage()
    for requests in range(1, 300):
        used.add(Generation("", "stop", input_tokens=9_000_000, output_tokens=1))
        assert used.is_told == (requests * 9_000_000 < 2**31)


@pytest.mark.parametrize("reply", [slow(30), cut, error(500), error(504), status(200, b"<html>")])
def test_cost_of_unanswered_request(reply: Reply) -> None:
    """The model may have worked: nobody knows, so the room is gone. The short question that follows costs its part."""
    found, purse = charged(reply, timeout_s=0.5)
    assert isinstance(found, Failure)
    assert found.code == "provider_unavailable"
    assert (purse.settled > MOST_OUT, purse.requests) == (True, 2)


@pytest.mark.parametrize("reply", [error(413), error(401), error(429), error(503)])
def test_cost_of_rejected_request(reply: Reply) -> None:
    """It was sent and counts; nobody worked on it."""
    _, purse = charged(reply)
    assert (purse.settled, purse.requests, purse.left) == (0, 1, 1.0)


def test_cost_of_model_refusal() -> None:
    """A filter's refusal is paid for, but not as the longest answer."""
    found, purse = charged(says(None, refusal="I will not read that."))
    assert isinstance(found, Failure)
    assert purse.settled == pytest.approx((100 + 5 * 50) / 1e6)


def test_cost_of_unsent_request() -> None:
    """Nobody listens there."""
    with HostileServer(answers()) as server:
        settings = settings_for(server, max_retries=0, **PRICES)
    purse = Purse(1)
    analyzer = LlmAnalyzer(settings, "qwen")
    analyzer.charge_to(purse)
    (found,) = analyzer.analyze([lyric()])
    assert isinstance(found, Failure)
    assert (purse.left, purse.requests, purse.settled) == (1.0, 0, 0.0)


class ClosedPurse(Purse):
    """A budget whose database goes away while the model works."""

    def settle(self, reservation: UUID, *, cost_usd: float, **_: int) -> None:
        """Nobody is there."""
        raise DatabaseUnavailable(address="here", reason="it restarts")


def test_answer_survives_budget_outage() -> None:
    """It is paid; the reservation stays, so that too little is spent and never too much."""
    purse = ClosedPurse(1)
    with HostileServer(answers()) as server:
        analyzer = LlmAnalyzer(settings_for(server, **PRICES), "qwen")
        analyzer.charge_to(purse)
        (found,) = analyzer.analyze([lyric()])
    assert isinstance(found, Analysis), found
    assert purse.left < 1


def test_cost_limit_needs_prices() -> None:
    """A limit that nobody can keep to is no limit."""
    with HostileServer(answers()) as server:
        settings = settings_for(server)
        limited = settings.model_copy(update={"llm": settings.llm.model_copy(update={"max_cost_usd": 1.0})})
        with pytest.raises(ConfigError, match="input_usd_per_million"):
            LlmAnalyzer(limited, "qwen").charge_to(Purse(1))
