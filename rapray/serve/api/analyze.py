"""`POST /analyze`, `/analyze/batch`: a text, or a stored track, or several, through the analyzers asked for.

Stores nothing unless asked to, and does not know who answers; `stream.py` has the third form.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator

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
from rapray.serve.api.streamed import Streamed
from rapray.serve.backend import Services
from rapray.serve.limits import TEXTS_AT_ONCE
from rapray.serve.problems import Problem, of_error
from rapray.telemetry import logger

log = logger(__name__)
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
# Texts of one batch that are worked on or wait to be sent: a slow one holds up those behind it a little later.
_AHEAD = 8
_CACHE_HEADER = "X-Cache"


@router.post(
    "/analyze", summary="Analyse a text or a stored track", responses=documented(*CODES, *ANSWER_CODES)
)
async def analyze(request: AnalyzeRequest, services: Backend, response: Response) -> AnalyzeResponse:
    """Run the analyzers side by side, each with a deadline.

    The answer is 200 as soon as one of them has a result; the others are under `problems`. Where none has, the answer
    is the first problem itself. `X-Cache: hit` says that every analyzer answered with a result made within the last
    day; a problem among the answers makes it a miss.
    """
    names = actions.check_analyzers(services, request.analyzers)
    lyric = await found_lyric(services, request)
    analyzed = await fanout.analyze(services, lyric, names, store=request.store)
    if not analyzed.results:
        raise Refused(_all_failed(analyzed.problems))
    response.headers[_CACHE_HEADER] = analyzed.cache_state
    return body_of(analyzed, include_embedding=request.include_embedding)


@router.post(
    "/analyze/batch",
    summary="Analyse several texts",
    response_model=BatchResponse,
    responses=documented(*BODY_CODES, "analyzer_unknown"),
)
async def analyze_batch(request: BatchRequest, services: Backend) -> Streamed:
    """Every text through the analyzers, a few at once; the answer is 200, and each text has its own result or problem.

    What is found of a text is sent as soon as it and those before it are there. `cache` of a text is "hit" where every
    analyzer answered with a result that had been made within the last day.
    """
    names = actions.check_analyzers(services, request.analyzers)
    return Streamed(_batch(services, request, names), media_type="application/json")


async def _batch(services: Services, request: BatchRequest, names: list[str]) -> AsyncGenerator[bytes]:
    """The answer text by text: of a hundred large ones a few are in memory, and the event loop is free in between."""
    turn = asyncio.Semaphore(TEXTS_AT_ONCE)

    async def one(index: int, text: BatchText) -> bytes:
        try:
            async with turn:
                found = await _one_of_batch(services, text, names, store=request.store)
            return await asyncio.to_thread(_rendered, index, found, request.include_embedding)
        except Exception as error:  # the status is long sent
            log.exception("a text of a batch broke")
            return _rendered(index, of_error(error))

    begun = deque[asyncio.Task[bytes]]()
    try:
        yield b'{"items":['
        for index, text in enumerate(request.items):
            begun.append(asyncio.create_task(one(index, text)))
            if len(begun) == _AHEAD:
                yield await begun.popleft() + b","
        while begun:
            yield await begun.popleft() + (b"," if begun else b"]}")
    finally:
        fanout.give_up(begun)


async def found_lyric(services: Services, text: AnalyzeRequest | BatchText) -> Lyric:
    """The text of a request. Raises InvalidLyrics, TrackNotFound, DependencyError."""
    if text.track_id is not None:
        return await actions.stored_lyric(services, text.track_id)
    assert text.lyrics is not None
    return await actions.prepared_lyric(text.lyrics, services.limits.max_lyrics_chars, text.duration_seconds)


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
        lyric = await found_lyric(services, text)
        return await fanout.analyze(services, lyric, names, store=store)
    except RaprayError as error:
        return of_error(error)


def _rendered(index: int, found: Analyzed | Problem, include_embedding: bool = False) -> bytes:
    """One text's answer as JSON."""
    if isinstance(found, Problem):
        answer = BatchAnswer(index=index, cache="miss", answer=None, problem=_problem_body(found))
    else:
        body = body_of(found, include_embedding=include_embedding)
        answer = BatchAnswer(index=index, cache=found.cache_state, answer=body, problem=None)
    return answer.model_dump_json(by_alias=True).encode()


def _problem_body(problem: Problem) -> ProblemBody:
    return ProblemBody.model_validate(problem.to_json())


def _all_failed(problems: dict[str, Problem]) -> Problem:
    first = next(iter(problems.values()))
    each = {name: problem.to_json() for name, problem in problems.items()}
    return Problem(first.code, first.detail, first.errors, first.retry_after_s, {"problems": each})
