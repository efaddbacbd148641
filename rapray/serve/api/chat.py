"""`/v1/models`, `/v1/chat/completions`: the hosted model for clients of OpenAI's API.

Knows no lyric. A problem has the member `error` too, which is where such clients look.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from rapray.analyzers.llm.completions import Reply, reason_of
from rapray.config.llm import HOSTED_PROVIDER
from rapray.errors import DeadlineExceeded
from rapray.serve.api.body import JsonRoute
from rapray.serve.api.chat_models import ChatCompletion, ChatModel, ChatModels, ChatRequest
from rapray.serve.api.context import BODY_CODES, Backend, documented
from rapray.serve.api.errors import Refused
from rapray.serve.api.streamed import EventStream
from rapray.serve.backend import Chat, Services
from rapray.serve.problems import of_code

router = APIRouter(prefix="/v1", route_class=JsonRoute, tags=["language model"])
_CODES = ("chat_not_hosted", "dependency_unavailable", "overloaded")
_CHAT_CODES = (*BODY_CODES, *_CODES, "chat_invalid", "chat_model_unknown", "chat_failed", "deadline_exceeded")
_ANSWER: dict[str, Any] = {
    "description": "The answer; with `stream` its pieces, as server-sent events.",
    "model": ChatCompletion,
    "content": {"text/event-stream": {"schema": {"type": "string"}}},
}


@router.get("/models", summary="List the language models hosted here", responses=documented(*_CODES))
async def models(services: Backend) -> ChatModels:
    """The model that this installation hosts; an empty list where it hosts none."""
    if services.chat is None:
        return ChatModels(data=[])
    return ChatModels(data=[ChatModel.model_validate(await services.chat.describe())])


@router.get(
    "/models/{model:path}",
    summary="Look up a language model",
    responses=documented(*_CODES, "chat_model_unknown"),
)
async def model(model: str, services: Backend) -> ChatModel:
    """One of the list."""
    for found in (await models(services)).data:
        if found.id == model:
            return found
    raise Refused(of_code("chat_model_unknown"))


@router.post(
    "/chat/completions",
    summary="Ask the hosted language model",
    responses={200: _ANSWER, **documented(*_CHAT_CODES)},
    response_model=None,
)
async def chat_completions(request: ChatRequest, services: Backend) -> Response:
    """A chat completion as OpenAI's API documents it, whole or with `stream` piece by piece."""
    chat = _hosted(services)
    body = request.model_dump(mode="json", exclude_none=True)
    if request.stream:
        return await _streamed(chat, body, services.deadline_s(HOSTED_PROVIDER))
    deadline_s = services.deadline_s(HOSTED_PROVIDER)
    try:
        async with asyncio.timeout(deadline_s):
            reply = await chat.complete(body)
    except TimeoutError as error:
        raise DeadlineExceeded(what="The language model", limit=f"{deadline_s:g} s") from error
    if reply.status != 200:
        raise _refused(reply)
    return Response(reply.body, media_type="application/json")


def _hosted(services: Services) -> Chat:
    if services.chat is None:
        raise Refused(of_code("chat_not_hosted"))
    return services.chat


async def _streamed(chat: Chat, body: dict[str, Any], deadline_s: float) -> EventStream:
    """The stream, once its first piece is there: until then a refusal still has a status."""
    pieces = chat.stream(body)
    try:
        async with asyncio.timeout(deadline_s):
            first = await anext(pieces)
    except TimeoutError as error:
        await pieces.aclose()
        raise DeadlineExceeded(what="The language model", limit=f"{deadline_s:g} s") from error
    if isinstance(first, Reply):
        await pieces.aclose()
        raise _refused(first)
    return EventStream(_events(first, pieces))


async def _events(first: str, pieces: AsyncGenerator[str | Reply]) -> AsyncGenerator[bytes]:
    try:
        yield first.encode()
        async for piece in pieces:  # an error in the middle is a piece of OpenAI's form like any other
            yield (piece if isinstance(piece, str) else f"data: {piece.body}\n\n").encode()
    finally:
        await pieces.aclose()


def _refused(reply: Reply) -> Refused:
    """What the engine says about a request is the caller's business; what it says about itself is not."""
    if reply.status == 404:
        return Refused(of_code("chat_model_unknown"))
    if reply.status < 500:
        return Refused(of_code("chat_invalid", reason_of(reply.body)))
    return Refused(of_code("chat_failed"))
