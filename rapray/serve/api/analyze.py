"""`POST /analyze`: a text, or a stored track, through the analyzers asked for.

Stores nothing.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from rapray.serve.api import actions, views
from rapray.serve.api.body import JsonRoute
from rapray.serve.api.context import BODY_CODES, Backend, documented
from rapray.serve.api.errors import Refused
from rapray.serve.api.models import AnalyzeRequest, AnalyzeResponse, ProblemBody
from rapray.serve.backend import Services
from rapray.serve.problems import Problem

router = APIRouter(route_class=JsonRoute, tags=["analyze"])
_CODES = (
    *BODY_CODES,
    "lyrics_empty",
    "lyrics_invalid",
    "lyrics_too_long",
    "analyzer_unknown",
    "track_not_found",
    "overloaded",
    "dependency_unavailable",
    "deadline_exceeded",
)


@router.post("/analyze", summary="Analyse a text or a stored track", responses=documented(*_CODES))
async def analyze(request: AnalyzeRequest, services: Backend) -> AnalyzeResponse:
    """Run the analyzers side by side, each with a deadline.

    The answer is 200 as soon as one of them has a result; the others are under `problems`. Where none has, the answer
    is the first problem itself.
    """
    names = actions.check_analyzers(services, request.analyzers)
    lyric = await _lyric(services, request)
    analyzed = await actions.analyze(services, lyric, names)
    if not analyzed.results:
        raise Refused(_all_failed(analyzed.problems))
    return AnalyzeResponse(
        content_hash=lyric.content_hash,
        language=lyric.language,
        sections=views.sections(lyric.sections),
        results={
            name: views.analysis(result, include_embedding=request.include_embedding)
            for name, result in analyzed.results.items()
        },
        problems={
            name: ProblemBody.model_validate(problem.to_json()) for name, problem in analyzed.problems.items()
        },
    )


async def _lyric(services: Services, request: AnalyzeRequest) -> Any:
    if request.track_id is not None:
        return await actions.stored_lyric(services, request.track_id)
    assert request.lyrics is not None
    return await actions.prepared_lyric(request.lyrics, services.limits.max_lyrics_chars)


def _all_failed(problems: dict[str, Problem]) -> Problem:
    first = next(iter(problems.values()))
    each = {name: problem.to_json() for name, problem in problems.items()}
    return Problem(first.code, first.detail, first.errors, first.retry_after_s, {"problems": each})
