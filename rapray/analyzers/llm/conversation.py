"""One question and its checked answer: how the answer is bound, one repair, repeated samples.

Knows no sections and no limits. What an API does not accept is left out and remembered for the next question.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from rapray.analyzers.llm.caller import Caller
from rapray.analyzers.llm.completions import Generation
from rapray.analyzers.llm.confidence import agreement, from_logprobs, most_typical
from rapray.analyzers.llm.costs import Usage
from rapray.analyzers.llm.extract import Unusable, read_answer, without_thinking
from rapray.analyzers.llm.forms import Form, Mode, first_form, members_of
from rapray.analyzers.llm.prompts import Message, Prompts, disarmed
from rapray.analyzers.llm.schema import LyricAnswer
from rapray.config.llm import ProviderSettings
from rapray.errors import AnswerInvalid, ProviderRejected

Source = Literal["log_probabilities", "agreement"]
Build = Callable[[dict[str, Any] | None], list[Message]]
"""The messages of a question, with the schema in them where the request does not carry it."""

REPAIR_CHARACTERS = 3000  # of a bad answer that is shown to the model again
_NOT_ACCEPTED = (400, 404, 415, 422, 501)
_CONTEXT_WORDS = ("context", "too long", "too many tokens", "maximum length", "token limit")


@dataclass(frozen=True, slots=True)
class Found:
    """A checked answer, how sure the model was of it (None: not known), and where that comes from."""

    answer: LyricAnswer
    confidence: float | None = None
    confidence_from: Source | None = None


class Conversation:
    """Asks one provider. Safe to use from several threads: the worst that can happen is to learn a thing twice."""

    def __init__(self, name: str, provider: ProviderSettings, caller: Caller, prompts: Prompts) -> None:
        self._name, self._provider, self._caller, self._prompts = name, provider, caller, prompts
        self._form = first_form(provider)

    @property
    def mode(self) -> Mode:
        """How answers are bound, as far as is known."""
        return self._form.mode

    def ask(self, build: Build, usage: Usage) -> Found:
        """One answer, or the most typical of several samples.

        Raises:
            AnswerInvalid: neither the answer nor its repair follows the schema.
            RaprayError: see `Caller.ask`.
        """
        samples = self._provider.samples
        if samples == 1:
            return self._sample(build, usage)
        answers = [self._sample(build, usage).answer for _ in range(samples)]
        return Found(answers[most_typical(answers)], agreement(answers), "agreement")

    def _sample(self, build: Build, usage: Usage) -> Found:
        messages, generation = self._first(build, usage)
        try:
            return self._found(generation)
        except Unusable as error:
            problem = str(error)
        usage.repairs += 1
        shown = disarmed(without_thinking(generation.text))[:REPAIR_CHARACTERS]
        again = self._prompts.repair(messages, shown, problem)
        try:
            return self._found(self._caller.ask(again, usage, **members_of(self._provider, self._form)))
        except Unusable as error:
            reason = " ".join(str(error).split())
            raise AnswerInvalid(provider=self._name, reason=reason) from error

    def _first(self, build: Build, usage: Usage) -> tuple[list[Message], Generation]:
        """The first generation, in the strictest form that the API accepts."""
        form = self._form
        while True:
            messages = build(form.written_schema)
            try:
                generation = self._caller.ask(messages, usage, **members_of(self._provider, form))
            except ProviderRejected as error:
                simpler = self._simpler(form, error)
                if simpler is None:
                    raise
                form = simpler
            else:
                self._form = form
                return messages, generation

    def _simpler(self, form: Form, error: ProviderRejected) -> Form | None:
        """The next form to try after a request that the API does not accept; None where the form is not why."""
        reason = str(error.attributes.get("reason", "")).lower()
        if error.attributes.get("status") not in _NOT_ACCEPTED or is_context_error(error):
            return None
        if form.logprobs and "response_format" not in reason:
            return Form(form.mode, logprobs=False)
        return form.looser() if self._provider.structured_output == "auto" else None

    def _found(self, generation: Generation) -> Found:
        if generation.finish_reason == "length":
            told = "" if generation.output_tokens is None else f" after {generation.output_tokens} tokens"
            problem = f"It was cut{told}. Write shorter sentences."
            raise Unusable(problem)
        answer = read_answer(generation.text)
        confidence = from_logprobs(generation.text, generation.tokens)
        return Found(answer, confidence, None if confidence is None else "log_probabilities")


def is_context_error(error: ProviderRejected) -> bool:
    """True where an API says that the request is longer than the model's context."""
    reason = str(error.attributes.get("reason", "")).lower()
    return any(word in reason for word in _CONTEXT_WORDS)
