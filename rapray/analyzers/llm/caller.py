"""Requests to a provider as everybody's good neighbour: shared limits, a breaker, repeats with jitter, a cost limit.

Knows no lyric. What it waits for is bounded by `max_wait_s`; what would take longer is an error at once.
"""

from __future__ import annotations

import json
import random
import time
from typing import Any

import stamina

from rapray.analyzers.llm.completions import Answer, Completions
from rapray.analyzers.llm.costs import Budget, ProcessBudget, Usage, price
from rapray.analyzers.llm.parts import estimated_tokens
from rapray.analyzers.llm.prompts import Message
from rapray.cache.gate import End, Gate, Pass
from rapray.config.llm import ProviderSettings
from rapray.errors import (
    AnswerInvalid,
    ConfigError,
    ProviderPaused,
    ProviderQuotaExceeded,
    ProviderRefused,
    ProviderUnavailable,
    RaprayError,
)

REFUSED_PAUSE_S = 600.0  # a key or an account is not mended in seconds; a new job checks it at once
_SHORTEST_WAIT_S = 0.01


class Caller:
    """Sends requests to one provider. Safe to use from several threads.

    Args:
        name: of the provider.
        provider: its settings.
        completions: who carries them.
        gate: limits and breaker, shared by whoever shares the gate.
    """

    def __init__(self, name: str, provider: ProviderSettings, completions: Completions, gate: Gate) -> None:
        self._name, self._provider, self._gate = name, provider, gate
        self._completions = completions
        self._budget: Budget = ProcessBudget()

    def ask_through(self, completions: Completions) -> None:
        """Send every further request through somebody else."""
        self._completions = completions

    def charge_to(self, budget: Budget, *, is_limited: bool) -> None:
        """Charge all further requests to a run.

        Raises:
            ConfigError: the run has a limit and the prices are not known, so that nobody could keep to it.
        """
        if is_limited and price(self._provider, 0, 0) is None:
            place = f"llm.providers.{self._name}"
            problem = f"a cost limit needs {place}.input_usd_per_million and {place}.output_usd_per_million"
            raise ConfigError(problems=problem)
        self._budget = budget

    def reopen(self) -> None:
        """Forget a pause: somebody has just seen that the provider answers."""
        self._gate.reopen(self._name)

    def ask(self, messages: list[Message], usage: Usage, **members: Any) -> Answer:
        """The answer, after repeats where they may help; counts into `usage`.

        Raises:
            ProviderPaused: the breaker is open, or a wait would be too long.
            CostLimitReached: the run may spend no more.
            DependencyError, AnswerInvalid, AnswerRefused: see `Completions.ask`, after the last repeat.
        """
        attempts = self._provider.max_retries + 1
        for attempt in stamina.retry_context(
            on=self._may_repeat, attempts=attempts, timeout=None, wait_initial=0.5, wait_max=20, wait_jitter=1
        ):
            with attempt:
                return self._once(messages, usage, members)
        raise AssertionError  # stamina returns or raises; the type checker does not know

    def _may_repeat(self, error: Exception) -> bool | float:
        """Whether to repeat; a number is the wait that the provider asked for, with some jitter on top."""
        if not isinstance(error, ProviderUnavailable | AnswerInvalid):
            return False
        wait_s = error.attributes.get("retry_after_s")
        if not isinstance(wait_s, int | float):
            return True
        return wait_s <= self._provider.max_wait_s and wait_s + random.uniform(0, 0.1 + wait_s / 10)

    def _once(self, messages: list[Message], usage: Usage, members: dict[str, Any]) -> Answer:
        most_in = sum(estimated_tokens(message["content"]) for message in messages) + estimated_tokens(
            json.dumps(members.get("response_format", ""))
        )
        most_out = int(members.get("max_tokens", self._provider.max_output_tokens))
        reserved = price(self._provider, most_in, most_out) or 0.0
        self._budget.reserve(self._name, reserved)
        used_in = used_out = 0
        try:
            taken = self._enter(most_in + most_out)
            end = End("failed", reason="an error of the program")
            try:
                usage.requests += 1
                answer = self._completions.ask(messages, **members)
                used_in, used_out = answer.input_tokens, answer.output_tokens
                end = End("answered", used_in + used_out)
            except RaprayError as error:
                end = _end_of(error)
                raise
            finally:
                self._gate.leave(self._name, taken, end)
        finally:
            usage.input_tokens += used_in
            usage.output_tokens += used_out
            cost = price(self._provider, used_in, used_out) or 0.0
            self._budget.settle(
                self._name,
                reserved_usd=reserved,
                cost_usd=cost,
                input_tokens=used_in,
                output_tokens=used_out,
            )
        return answer

    def _enter(self, tokens: int) -> Pass:
        """Wait for a place, no longer than `max_wait_s`."""
        until = time.monotonic() + self._provider.max_wait_s
        while True:
            found = self._gate.enter(self._name, tokens)
            if isinstance(found, Pass):
                return found
            if time.monotonic() + found.seconds > until:
                reason = found.pause or "a wait for its limits that is too long"
                raise ProviderPaused(provider=self._name, seconds=round(found.seconds, 1), reason=reason)
            # Jitter: those who wait for one moment do not come in one moment.
            time.sleep(max(_SHORTEST_WAIT_S, found.seconds) * random.uniform(1, 1.3))


def _end_of(error: RaprayError) -> End:
    """What a failed request means for those who come after it."""
    if isinstance(error, ProviderRefused | ProviderQuotaExceeded):
        return End("refused", pause_s=REFUSED_PAUSE_S, reason=str(error))
    if not isinstance(error, ProviderUnavailable | AnswerInvalid):
        return End("answered")  # the provider works; this request did not fit it
    wait_s = error.attributes.get("retry_after_s")
    if isinstance(wait_s, int | float):
        return End("throttled", pause_s=float(wait_s), reason=str(error))
    return End("failed", reason=str(error))
