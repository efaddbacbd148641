"""The `llm` analyzer: one class for every provider. The whole lyric where it fits the context, else section by section.

Knows neither Ray nor HTTP servers. A provider that is not configured gives failures that say so, never a result.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from rapray.analyzers.base import one_by_one, rounded
from rapray.analyzers.budget import Budget
from rapray.analyzers.llm.caller import SHORT_QUESTION, Caller
from rapray.analyzers.llm.checks import check
from rapray.analyzers.llm.completions import Completions
from rapray.analyzers.llm.conversation import Conversation, Found, is_context_error
from rapray.analyzers.llm.costs import Usage, price
from rapray.analyzers.llm.merge import merge
from rapray.analyzers.llm.parameters import parameters_of
from rapray.analyzers.llm.parts import estimated_tokens
from rapray.analyzers.llm.prompts import Prompts, load_prompts
from rapray.analyzers.llm.providers import (
    ANALYZER_VERSION,
    gate_of,
    is_hosted,
    provider_of,
    require_configured,
)
from rapray.analyzers.llm.questions import LEAST_ROOM, LONGEST_TITLE, Questions
from rapray.analyzers.llm.result import Reading, data_of, part_of, vector_of
from rapray.analyzers.llm.wire import Wire
from rapray.config import Settings
from rapray.config.llm import ProviderSettings
from rapray.domain import Analysis, Failure, Lyric, ModelInfo, Provenance
from rapray.errors import EmptyLyrics, ProviderRejected, ProviderUnavailable

_NARROWER = 3  # tries with half the room each, where a server's context is smaller than configured


def identify(settings: Settings, name: str) -> Provenance:
    """Return the provenance of a provider's results under these settings; sends no request.

    Raises:
        ProviderNotConfigured: there are no results of it here.
    """
    provider = require_configured(settings, name)
    return _provenance(settings, name, provider, load_prompts(settings.llm.prompts))


def _provenance(settings: Settings, name: str, provider: ProviderSettings, prompts: Prompts) -> Provenance:
    parameters = parameters_of(settings, name)
    return Provenance(name, ANALYZER_VERSION, provider.model, provider.revision, prompts.version, parameters)


def preflight(settings: Settings, name: str) -> None:
    """Make sure, before the first lyric, that a lyric has room and the provider takes requests: one token of answer.

    A model that rapray hosts is not asked: it comes up with the job that needs it.

    Raises:
        ConfigError, ProviderNotConfigured, ProviderRefused, ProviderQuotaExceeded, ProviderUnavailable,
        ProviderRejected: why not.
    """
    provider = require_configured(settings, name)
    Questions(name, provider, load_prompts(settings.llm.prompts)).room(LONGEST_TITLE)
    if is_hosted(settings, name):
        return
    wire, gate = Wire(name, provider), gate_of(settings, name)
    try:
        wire.ask(SHORT_QUESTION, max_tokens=1)
        gate.reopen()
    finally:
        wire.close()


@dataclass(frozen=True, slots=True)
class _Read:
    """What was found out about a lyric, part by part; one part where it was read whole."""

    parts: list[str]
    found: list[Found]


class LlmAnalyzer:
    """Asks a language model about lyrics, as many at once as the provider allows.

    Args:
        settings: the provider's among them.
        name: of the provider and of the analyzer.
    """

    note = ""

    def __init__(self, settings: Settings, name: str) -> None:
        self.name = name
        self._settings = settings
        self._provider = provider_of(settings, name)
        self._prompts: Prompts = load_prompts(settings.llm.prompts)
        self.provenance = _provenance(settings, name, self._provider, self._prompts)
        self._questions = Questions(name, self._provider, self._prompts)
        self._wire = Wire(name, self._provider)
        self._caller = Caller(name, self._provider, self._wire, gate_of(settings, name))
        self._conversation = Conversation(name, self._provider, self._caller, self._prompts)

    @property
    def model(self) -> ModelInfo:
        """The model as the provider knows it."""
        return ModelInfo("llm", self._provider.model, self._provider.revision)

    @property
    def questions(self) -> Questions:
        """What it asks about a lyric."""
        return self._questions

    def ask_through(self, completions: Completions) -> None:
        """Send every further request through somebody else: a model of the same cluster, or answers fetched ahead."""
        self._caller.ask_through(completions)

    def charge_to(self, budget: Budget) -> None:
        """Charge all further requests to a run.

        Raises:
            ConfigError: `llm.max_cost_usd` is set and the provider's prices are not.
        """
        self._caller.charge_to(budget, is_limited=self._settings.llm.max_cost_usd is not None)

    def close(self) -> None:
        """Close its connections; it is not asked again."""
        self._wire.close()

    def analyze(self, batch: Sequence[Lyric]) -> list[Analysis | Failure]:
        """An analysis or a failure a lyric, in the order of the batch."""
        if len(batch) == 1:
            return one_by_one(self, batch, self._analyze_one)
        workers = max(1, min(len(batch), self._provider.concurrency))
        with ThreadPoolExecutor(workers, thread_name_prefix=self.name) as threads:
            return list(threads.map(self._outcome, batch))

    def _outcome(self, lyric: Lyric) -> Analysis | Failure:
        return one_by_one(self, [lyric], self._analyze_one)[0]

    def _analyze_one(self, lyric: Lyric) -> Analysis:
        started = time.perf_counter()
        require_configured(self._settings, self.name)
        if not lyric.has_words:
            raise EmptyLyrics
        usage = Usage()
        try:
            read = self._read(lyric, usage)
        except ProviderUnavailable as error:
            self._caller.blame(error)
            raise
        lengths = [len(part) for part in read.parts]
        answer = merge([found.answer for found in read.found], lengths)
        checks = check(answer, lyric.lyrics, lyric.title)
        reading = Reading(
            mode="whole" if len(read.parts) == 1 else "by_section",
            parts=[]
            if len(read.parts) == 1
            else [part_of(f.answer, n) for f, n in zip(read.found, lengths, strict=True)],
            requests=usage.requests,
            repairs=usage.repairs,
            structured_output=self._conversation.mode,
        )
        confidence = _confidence(read.found, lengths)
        source = None if confidence is None else read.found[0].confidence_from
        return Analysis(
            key=lyric.key,
            provenance=self.provenance,
            content_hash=lyric.content_hash,
            data=rounded(dict(data_of(answer, checks, reading, source))),
            sentiment=answer.valence / 10,
            confidence=confidence,
            embedding=vector_of(answer),
            seconds=time.perf_counter() - started,
            input_tokens=usage.input_tokens if usage.is_told else None,
            output_tokens=usage.output_tokens if usage.is_told else None,
            cost_usd=price(self._provider, usage.input_tokens, usage.output_tokens)
            if usage.is_told
            else None,
        )

    def _read(self, lyric: Lyric, usage: Usage) -> _Read:
        """Ask about the lyric, or about each of its parts; with smaller parts where the server finds them too long."""
        room = self._questions.room(lyric.title)
        for tries_left in range(_NARROWER, -1, -1):
            try:
                return self._read_parts(lyric, room, usage)
            except ProviderRejected as error:
                if not is_context_error(error) or not tries_left or room // 2 < LEAST_ROOM:
                    raise
                room = min(room, estimated_tokens(lyric.lyrics)) // 2
        raise AssertionError  # the last try returns or raises

    def _read_parts(self, lyric: Lyric, room: int, usage: Usage) -> _Read:
        parts = self._questions.parts(lyric, room)
        builds = [self._questions.about(lyric.title, parts, place) for place in range(len(parts))]
        return _Read(parts, [self._conversation.ask(build, usage) for build in builds])


def _confidence(found: Sequence[Found], lengths: Sequence[int]) -> float | None:
    """The mean over the parts, weighted by length; None where one of them is not known."""
    known = [part.confidence for part in found if part.confidence is not None]
    if len(known) < len(found):
        return None
    mean = sum(c * n for c, n in zip(known, lengths, strict=True)) / sum(lengths)
    return round(min(1.0, mean), 6)
