"""`POST /analyze`, `/analyze/batch`: a text, or a stored track, or several, through the analyzers asked for.

Stores nothing unless asked to, and does not know who answers; `stream.py` has the third form.
"""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Response

from rapray.domain import Lyric
from rapray.errors import RaprayError
from rapray.serve.api import actions, fanout, views
from rapray.serve.api.analyze_models import (
    AnalyzeRequest,
    AnalyzeResponse,
    BatchAnswer,
    BatchRequest,
    BatchResponse,
    BatchText,
)
from rapray.serve.api.body import JsonRoute
from rapray.serve.api.context import BODY_CODES, Backend, documented
from rapray.serve.api.errors import Refused
from rapray.serve.api.fanout import Analyzed
from rapray.serve.api.models import ProblemBody
from rapray.serve.backend import Services
from rapray.serve.problems import Problem, of_error

router = APIRouter(route_class=JsonRoute, tags=["analyze"])
TEXT_CODES = ("lyrics_empty", "lyrics_invalid", "lyrics_too_long", "track_not_found")
CODES = (*BODY_CODES, *TEXT_CODES, "analyzer_unknown", "dependency_unavailable")
ANSWER_CODES = (
    "analyzer_not_served",
    "analysis_failed",
    "model_unavailable",
    "provider_not_configured",
    "provider_unavailable",
    "answer_invalid",
    "overloaded",
    "deadline_exceeded",
)
# Texts of one batch that are worked on at once: more would fill the analyzers' queues for everyone else.
_AT_ONCE = 4
_CACHE_HEADER = "X-Cache"


@router.post(
    "/analyze", summary="Analyse a text or a stored track", responses=documented(*CODES, *ANSWER_CODES)
)
async def analyze(request: AnalyzeRequest, services: Backend, response: Response) -> AnalyzeResponse:
    """Run the analyzers side by side, each with a deadline.

    The answer is 200 as soon as one of them has a result; the others are under `problems`. Where none has, the answer
    is the first problem itself. `X-Cache: hit` says that every result had been made within the last day.
    """
    names = actions.check_analyzers(services, request.analyzers)
    lyric = await found_lyric(services, request.lyrics, request.track_id)
    analyzed = await fanout.analyze(services, lyric, names, store=request.store)
    if not analyzed.results:
        raise Refused(_all_failed(analyzed.problems))
    response.headers[_CACHE_HEADER] = _cache_state([analyzed])
    return body_of(analyzed, include_embedding=request.include_embedding)


@router.post(
    "/analyze/batch", summary="Analyse several texts", responses=documented(*BODY_CODES, "analyzer_unknown")
)
async def analyze_batch(request: BatchRequest, services: Backend, response: Response) -> BatchResponse:
    """Every text through the analyzers, a few at once; the answer is 200, and each text has its own result or problem.

    `X-Cache: hit` says that every result of every text had been made within the last day.
    """
    names = actions.check_analyzers(services, request.analyzers)
    turn = asyncio.Semaphore(_AT_ONCE)

    async def one(text: BatchText) -> Analyzed | Problem:
        async with turn:
            return await _one_of_batch(services, text, names, store=request.store)

    async with asyncio.TaskGroup() as group:  # a client that leaves takes every text along
        tasks = [group.create_task(one(text)) for text in request.items]
    found = [task.result() for task in tasks]
    response.headers[_CACHE_HEADER] = _cache_state(found)
    return BatchResponse(
        items=[
            _batch_answer(index, answer, include_embedding=request.include_embedding)
            for index, answer in enumerate(found)
        ]
    )


async def found_lyric(services: Services, lyrics: str | None, track_id: int | None) -> Lyric:
    """The text of a request. Raises InvalidLyrics, TrackNotFound, DependencyError."""
    if track_id is not None:
        return await actions.stored_lyric(services, track_id)
    assert lyrics is not None
    return await actions.prepared_lyric(lyrics, services.limits.max_lyrics_chars)


def body_of(analyzed: Analyzed, *, include_embedding: bool) -> AnalyzeResponse:
    """One text's answer."""
    return AnalyzeResponse(
        content_hash=analyzed.lyric.content_hash,
        language=analyzed.lyric.language,
        sections=views.sections(analyzed.lyric.sections),
        results={
            name: views.analysis(result, include_embedding=include_embedding)
            for name, result in analyzed.results.items()
        },
        problems={name: _problem_body(problem) for name, problem in analyzed.problems.items()},
        stored=list(analyzed.stored),
    )


async def _one_of_batch(
    services: Services, text: BatchText, names: list[str], *, store: bool
) -> Analyzed | Problem:
    try:
        lyric = await found_lyric(services, text.lyrics, text.track_id)
        return await fanout.analyze(services, lyric, names, store=store)
    except RaprayError as error:
        return of_error(error)


def _batch_answer(index: int, found: Analyzed | Problem, *, include_embedding: bool) -> BatchAnswer:
    if isinstance(found, Problem):
        return BatchAnswer(index=index, answer=None, problem=_problem_body(found))
    return BatchAnswer(index=index, answer=body_of(found, include_embedding=include_embedding), problem=None)


def _cache_state(found: list[Analyzed] | list[Analyzed | Problem]) -> str:
    return "hit" if all(isinstance(one, Analyzed) and one.is_cached for one in found) else "miss"


def _problem_body(problem: Problem) -> ProblemBody:
    return ProblemBody.model_validate(problem.to_json())


def _all_failed(problems: dict[str, Problem]) -> Problem:
    first = next(iter(problems.values()))
    each = {name: problem.to_json() for name, problem in problems.items()}
    return Problem(first.code, first.detail, first.errors, first.retry_after_s, {"problems": each})
