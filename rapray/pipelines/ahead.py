"""Asks the hosted model about many lyrics at once, ahead of the analyzer that reads the answers.

vLLM works on a whole batch in little more than the time of one answer; the analyzer then checks, repairs and merges as
ever. `ray.data.llm` needs vLLM, so it is imported where a job asks.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pyarrow as pa
from ray import serve
from ray.data import Dataset

from rapray.analyzers.llm.completions import Asking, Reply, request_of
from rapray.analyzers.llm.drafts import Drafts
from rapray.analyzers.llm.prompts import load_prompts
from rapray.analyzers.llm.providers import provider_of
from rapray.analyzers.llm.questions import Questions
from rapray.config import Settings
from rapray.config.llm import HOSTED_PROVIDER
from rapray.domain import Analysis, Failure, Lyric, Provenance
from rapray.hosting import DEPLOYMENT, HostedCompletions
from rapray.hosting.quiet import own_logging
from rapray.pipelines.analyze import Analyze
from rapray.pipelines.plan import IO_CPUS
from rapray.pipelines.records import KEY, RECORD, from_table
from rapray.store.costs import RunBudget

_REPLIES, _SECONDS = "replies", "time_taken"
_WAITING = {"num_cpus": IO_CPUS}


def asked_ahead(rows: Dataset, *, settings: Settings, application: str) -> Dataset:
    """The same rows, with the model's replies beside each.

    Args:
        rows: blocks of lyrics, see `rapray.pipelines.records`.
        settings: of this run.
        application: of Serve, that holds the deployment.
    """
    with own_logging():
        from ray.data.llm import ServeDeploymentProcessorConfig, build_processor

        questions = _questions(settings)
        config = ServeDeploymentProcessorConfig(
            deployment_name=DEPLOYMENT, app_name=application, batch_size=questions.provider.concurrency
        )
        processor = build_processor(
            config,
            preprocess=partial(_asked, questions=questions),
            postprocess=_answered,
            preprocess_map_kwargs=_WAITING,
            postprocess_map_kwargs=_WAITING,
        )
        for name in processor.list_stage_names():
            processor.get_stage_by_name(name).map_batches_kwargs.update(_WAITING)  # it waits for the model
        return processor(rows)


def _questions(settings: Settings) -> Questions:
    provider = provider_of(settings, HOSTED_PROVIDER)
    return Questions(HOSTED_PROVIDER, provider, load_prompts(settings.llm.prompts))


def _asked(row: dict[str, Any], questions: Questions) -> dict[str, Any]:
    lyric: Lyric = pickle.loads(row[RECORD])  # noqa: S301 (made by to_table in this job)
    requests = [
        request_of(questions.provider, messages, members)
        for messages, members in questions.first_requests(lyric)
    ]
    return {"method": "complete_all", "request_kwargs": {"requests": json.dumps(requests)}}


def _answered(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in (KEY, RECORD, _REPLIES, _SECONDS)}


class AnalyzeAhead(Analyze):
    """An actor that reads the replies that came ahead; what is to be repaired it asks itself."""

    def __init__(
        self, provenance: Provenance, settings: Settings, budget: RunBudget | None, application: str
    ) -> None:
        super().__init__(provenance, settings, budget)
        self._questions = _questions(settings)
        handle = serve.get_deployment_handle(DEPLOYMENT, application)
        self._drafts = Drafts(provenance.analyzer, HostedCompletions(self._questions.provider, handle))
        if isinstance(self._analyzer, Asking):  # else it cannot be made, and its lyrics stay due
            self._analyzer.ask_through(self._drafts)

    def _results(self, block: pa.Table) -> Sequence[Analysis | Failure]:
        replies: list[str] = block[_REPLIES].to_pylist()
        for lyric, made in zip(from_table(block), replies, strict=True):
            self._drafts.put(
                self._questions.first_requests(lyric), [Reply(*reply) for reply in json.loads(made)]
            )
        try:
            found = super()._results(block)
        finally:
            self._drafts.clear()
        waited: list[float] = block[_SECONDS].to_pylist()
        return [_with_seconds(result, seconds) for result, seconds in zip(found, waited, strict=True)]


def _with_seconds(result: Analysis | Failure, seconds: float) -> Analysis | Failure:
    if isinstance(result, Failure) or result.seconds is None:
        return result
    return replace(result, seconds=result.seconds + seconds)
