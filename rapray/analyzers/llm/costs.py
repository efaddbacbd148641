"""What requests take and cost: tokens times prices, and the most where nobody says what it was.

Knows no database: a run's account is handed in.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from rapray.analyzers.llm.completions import Generation
from rapray.analyzers.llm.parts import estimated_tokens
from rapray.analyzers.llm.prompts import Message
from rapray.config.llm import ProviderSettings
from rapray.errors import AnswerRefused, RaprayError

# A gateway's 408, 502 or 504 may come after the model has worked, and nobody knows of a 500. A 503 took no request.
_NOT_WORKED_ON = frozenset({501, 503, 505})
_MOST_STORED = 2**31 - 1  # tokens of one result: PostgreSQL's integer


class NoBudget:
    """The account of requests that belong to no run: everything is allowed and nothing is counted."""

    def reserve(self, provider: str, usd: float) -> UUID:
        """Everything is allowed."""
        return uuid4()

    def settle(self, reservation: UUID, *, cost_usd: float, input_tokens: int, output_tokens: int) -> None:
        """Nothing is counted."""

    def release(self, reservation: UUID) -> None:
        """Nothing was set aside."""


@dataclass(slots=True)
class Usage:
    """What one lyric took: all requests that were sent, and the tokens of those that were answered.

    `is_told` is False where an answer did not say its tokens, so that the sum is not known, or nobody can believe it.
    """

    requests: int = 0
    repairs: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    is_told: bool = True

    def add(self, generation: Generation) -> None:
        """Count the tokens of a generation."""
        self.input_tokens += generation.input_tokens or 0
        self.output_tokens += generation.output_tokens or 0
        is_said = None not in (generation.input_tokens, generation.output_tokens)
        self.is_told = self.is_told and is_said and max(self.input_tokens, self.output_tokens) <= _MOST_STORED


@dataclass(frozen=True, slots=True)
class Tokens:
    """Of a prompt and of an answer."""

    input: int
    output: int


def most_tokens(provider: ProviderSettings, messages: list[Message], members: dict[str, Any]) -> Tokens:
    """The most that a request may take, estimated on the safe side."""
    written = [*(message["content"] for message in messages), json.dumps(members.get("response_format", ""))]
    most_out = int(members.get("max_tokens", provider.max_output_tokens))
    return Tokens(sum(map(estimated_tokens, written)), most_out)


def taken_by(ended: Generation | BaseException, most: Tokens) -> Tokens | None:
    """What a request took, by how it ended; None where it was never sent.

    Where nobody says, it is the most: a request that left and has no answer may be paid for all the same.
    """
    if isinstance(ended, Generation):
        return _told(ended.input_tokens, ended.output_tokens, most)
    told = ended.attributes if isinstance(ended, RaprayError) else {}
    if isinstance(ended, AnswerRefused):
        return _told(told.get("input_tokens"), told.get("output_tokens"), most)
    if told.get("was_sent") is False:
        return None
    status = told.get("status")
    is_free = isinstance(status, int) and (300 <= status < 500 or status in _NOT_WORKED_ON) and status != 408
    return Tokens(0, 0) if is_free else most


def _told(input_tokens: object, output_tokens: object, most: Tokens) -> Tokens:
    return Tokens(
        input_tokens if isinstance(input_tokens, int) else most.input,
        output_tokens if isinstance(output_tokens, int) else most.output,
    )


def price(provider: ProviderSettings, input_tokens: int, output_tokens: int) -> float | None:
    """US dollars of so many tokens; None where a price is not known."""
    if provider.input_usd_per_million is None or provider.output_usd_per_million is None:
        return None
    return (
        input_tokens * provider.input_usd_per_million + output_tokens * provider.output_usd_per_million
    ) / 1_000_000
