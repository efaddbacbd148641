"""Requests to a provider as everybody's good neighbour: shared limits, a breaker, repeats with jitter, a cost limit.

Knows no lyric. What it waits for at a provider's wish is bounded by `max_wait_s`; what would take longer is an error
at once, and so is every request but the trials to a provider that is down.
"""

from __future__ import annotations

import random
import time
from typing import Any
from uuid import UUID

import stamina

from rapray.analyzers.budget import Budget
from rapray.analyzers.llm.completions import Completions, Generation
from rapray.analyzers.llm.costs import NoBudget, Tokens, Usage, most_tokens, price, taken_by
from rapray.analyzers.llm.prompts import Message
from rapray.cache.gate import End, Gate, Pass, Wait
from rapray.config.llm import ProviderSettings
from rapray.errors import (
    ConfigError,
    ProviderPaused,
    ProviderQuotaExceeded,
    ProviderRefused,
    ProviderUnavailable,
    RaprayError,
)
from rapray.telemetry import logger

log = logger(__name__)

REFUSED_PAUSE_S = 600.0  # a key or an account is not mended in seconds; a new job checks it at once
SHORT_QUESTION: list[Message] = [{"role": "user", "content": "Answer with the word yes."}]
"""Asked with one token of answer, to see whether a provider takes requests at all."""
_SHORTEST_WAIT_S = 0.01
_MAY_BE_THE_TEXTS = frozenset({None, 200, 500, 502, 504})  # None: a time-out, a connection that broke
_SLOT_TURNS = 10  # of waiting for a slot; even with that many actors to a slot each gets its turn


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
        self._budget: Budget = NoBudget()

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

    def ask(self, messages: list[Message], usage: Usage, **members: Any) -> Generation:
        """The generation, after repeats where they may help; counts into `usage`.

        Raises:
            ProviderPaused: the provider is down, or a wait would be too long.
            CostLimitReached: the run may spend no more.
            DependencyError, AnswerRefused: see `Completions.ask`, after the last repeat.
        """
        attempts = self._provider.max_retries + 1
        for attempt in stamina.retry_context(
            on=self._may_repeat, attempts=attempts, timeout=None, wait_initial=0.5, wait_max=20, wait_jitter=1
        ):
            with attempt:
                return self._once(messages, usage, members)
        raise AssertionError  # stamina returns or raises; the type checker does not know

    def blame(self, error: ProviderUnavailable) -> None:
        """Say of an error that no repeat mended whether it is the text's: the provider answers a short question now.

        A text that makes a server time out or break each time would stay due for ever, and hold up every run. A limit
        (429, 503, Retry-After) or a request that never arrived says nothing about the text, and nobody is asked.
        """
        if error.attributes.get("status") in _MAY_BE_THE_TEXTS and error.attributes.get("was_sent", True):
            error.blames_text = error.attributes.get("retry_after_s") is None and self._answers()

    def _answers(self) -> bool:
        try:
            self._once(SHORT_QUESTION, Usage(), {"max_tokens": 1})
        except RaprayError:
            return False
        return True

    def _may_repeat(self, error: Exception) -> bool | float:
        """Whether to repeat; a number is the wait that the provider asked for, with some jitter on top."""
        if not isinstance(error, ProviderUnavailable):
            return False
        wait_s = error.attributes.get("retry_after_s")
        if not isinstance(wait_s, int | float):
            return True
        return wait_s <= self._provider.max_wait_s and wait_s + random.uniform(0, 0.1 + wait_s / 10)

    def _once(self, messages: list[Message], usage: Usage, members: dict[str, Any]) -> Generation:
        most = most_tokens(self._provider, messages, members)
        taken = self._enter(most.input + most.output)
        try:
            reservation = self._budget.reserve(self._name, self._usd(most))
        except BaseException:
            self._gate.leave(taken, End("unsent"))
            raise
        ended = self._sent(messages, members)
        spent = taken_by(ended, most)
        usage.requests += spent is not None
        try:
            self._gate.leave(taken, _end_of(ended, spent))
        finally:
            self._account(reservation, spent)
        if isinstance(ended, BaseException):
            raise ended
        usage.add(ended)
        return ended

    def _sent(self, messages: list[Message], members: dict[str, Any]) -> Generation | BaseException:
        """How the request ended: whatever it was, slot and account are put in order before it is raised."""
        try:
            return self._completions.ask(messages, **members)
        except BaseException as error:  # noqa: BLE001 - raised by `_once`
            return error

    def _account(self, reservation: UUID, spent: Tokens | None) -> None:
        """Keep the account. Where that fails the reservation stays: too little is spent then, and no answer is lost."""
        try:
            if spent is None:
                self._budget.release(reservation)
                return
            counts = {"input_tokens": spent.input, "output_tokens": spent.output}
            self._budget.settle(reservation, cost_usd=self._usd(spent), **counts)
        except Exception as error:  # noqa: BLE001 - the answer is there and paid, it must not be lost with the account
            log.error("what a request cost could not be written", provider=self._name, reason=str(error))

    def _usd(self, tokens: Tokens) -> float:
        return price(self._provider, tokens.input, tokens.output) or 0.0

    def _enter(self, tokens: int) -> Pass:
        """Wait for a place: for the provider `max_wait_s` at most, for a slot of our own as long as requests may take.

        Each turn of the slots is over within `timeout_s`, and an actor has no more threads than there are slots.
        """
        left_s = {False: self._provider.max_wait_s, True: _SLOT_TURNS * self._provider.timeout_s}
        while isinstance(found := self._gate.enter(tokens), Wait):
            if found.is_down or found.seconds > left_s[found.is_busy]:
                raise ProviderPaused(provider=self._name, seconds=round(found.seconds, 1), reason=_why(found))
            started = time.monotonic()
            # Jitter: those who wait for one moment do not come in one moment.
            time.sleep(max(_SHORTEST_WAIT_S, found.seconds) * random.uniform(1, 1.3))
            left_s[found.is_busy] -= time.monotonic() - started
        return found


def _why(wait: Wait) -> str:
    if wait.is_busy:
        return "no request of ours ended in time"
    return wait.pause or "a wait for its limits that is too long"


def _end_of(ended: Generation | BaseException, spent: Tokens | None) -> End:
    """What a request means for those who come after it."""
    used = 0 if spent is None else spent.input + spent.output
    if isinstance(ended, ProviderRefused | ProviderQuotaExceeded):
        return End("refused", used, pause_s=REFUSED_PAUSE_S, reason=str(ended))
    if isinstance(ended, ProviderUnavailable):
        wait_s = ended.attributes.get("retry_after_s")
        if isinstance(wait_s, int | float):
            return End("throttled", used, pause_s=float(wait_s), reason=str(ended))
        return End("failed", used, reason=str(ended))
    if isinstance(ended, Generation | RaprayError):
        return End("answered", used)  # the provider works, even where this request did not fit it
    return End("failed", used, reason="an error of the program")
