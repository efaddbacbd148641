"""`POST /analyze/stream`: the answers of the analyzers as server-sent events, each as soon as it is there.

An address of its own, because one address answers one media type. Knows no analyzer.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, TypeVar

from fastapi import APIRouter
from fastapi.sse import format_sse_event

from rapray.domain import Lyric
from rapray.errors import RaprayError
from rapray.serve.api import actions, fanout, views
from rapray.serve.api.analyze import CODES, found_lyric
from rapray.serve.api.analyze_models import AnalyzeRequest, ResultEvent
from rapray.serve.api.body import JsonRoute
from rapray.serve.api.context import Backend, documented
from rapray.serve.api.fanout import Analyzed, Finding
from rapray.serve.api.streamed import EventStream
from rapray.serve.backend import Services
from rapray.serve.problems import of_error

router = APIRouter(route_class=JsonRoute, tags=["analyze"])
# Proxies close a connection that is silent for a minute; a language model may think for longer.
_SILENCE_S = 15.0
_WAITING = format_sse_event(comment="waiting")
_T = TypeVar("_T")

_EVENT: dict[str, Any] = {
    "description": "One event an analyzer, then `done`; `data` is JSON.",
    "content": {
        "text/event-stream": {
            "schema": {
                "type": "object",
                "required": ["event", "data"],
                "properties": {
                    "event": {"type": "string", "enum": ["result", "problem", "done"]},
                    "data": {"type": "string"},
                },
            }
        }
    },
}


@router.post(
    "/analyze/stream",
    summary="Analyse a text, answers as they come",
    response_class=EventStream,
    responses={200: _EVENT, **documented(*CODES)},
)
async def analyze_stream(request: AnalyzeRequest, services: Backend) -> EventStream:
    """`/analyze` as server-sent events: `result` or `problem` for each analyzer as it finishes, then `done`.

    `result` holds `analyzer`, `cache` ("hit" or "miss") and `result`; `problem` holds `analyzer` and `problem`; `done`
    holds `content_hash`, `language`, `sections`, the names under `results` and `problems`, and `stored`. What is wrong
    with the request itself is answered with a problem and no stream. A client that leaves ends the work.
    """
    names = actions.check_analyzers(services, request.analyzers)
    lyric = await found_lyric(services, request)
    return EventStream(_events(services, lyric, names, request))


async def _events(
    services: Services, lyric: Lyric, names: Sequence[str], request: AnalyzeRequest
) -> AsyncGenerator[bytes]:
    findings = list[Finding]()
    async with aclosing(_as_they_end(fanout.started(services, lyric, names))) as answers:
        async for finding in answers:
            if finding is None:
                yield _WAITING
            else:
                findings.append(finding)
                yield _event(finding, include_embedding=request.include_embedding)
    done = asyncio.create_task(_done(services, Analyzed(lyric, tuple(findings)), store=request.store))
    async with aclosing(_as_they_end([done])) as last:
        async for event in last:
            yield _WAITING if event is None else event


async def _as_they_end(tasks: Sequence[asyncio.Task[_T]]) -> AsyncGenerator[_T | None]:
    """What each task gives, as it ends; None where none has for so long that a proxy would close the connection."""
    pending = set(tasks)
    try:
        while pending:
            ended, pending = await asyncio.wait(
                pending, timeout=_SILENCE_S, return_when=asyncio.FIRST_COMPLETED
            )
            if not ended:
                yield None
            for task in (task for task in tasks if task in ended):
                yield task.result()
    finally:
        fanout.give_up(tasks)


def _event(finding: Finding, *, include_embedding: bool) -> bytes:
    if finding.result is not None:
        result = views.analysis(finding.result, include_embedding=include_embedding)
        event = ResultEvent(analyzer=finding.analyzer, cache=finding.cache_state, result=result)
        return format_sse_event(event="result", data_str=event.model_dump_json())
    assert finding.problem is not None
    return _formatted("problem", {"analyzer": finding.analyzer, "problem": finding.problem.to_json()})


async def _done(services: Services, analyzed: Analyzed, *, store: bool) -> bytes:
    try:
        stored = await fanout.written(services, analyzed.findings) if store else []
    except RaprayError as error:  # the status is long sent
        return _formatted("problem", {"analyzer": None, "problem": of_error(error).to_json()})
    sections = [section.model_dump(mode="json") for section in views.sections(analyzed.lyric.sections)]
    shown = {
        "content_hash": analyzed.lyric.content_hash,
        "language": analyzed.lyric.language,
        "sections": sections,
        "results": list(analyzed.results),
        "problems": list(analyzed.problems),
        "stored": stored,
    }
    return _formatted("done", shown)


def _formatted(event: str, shown: dict[str, Any]) -> bytes:
    return format_sse_event(event=event, data_str=json.dumps(shown, ensure_ascii=False))
