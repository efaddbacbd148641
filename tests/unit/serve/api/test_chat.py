"""`/v1`: the hosted model in OpenAI's form, over a model that answers from memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest

from rapray.analyzers.llm.completions import Reply
from rapray.errors import Overloaded
from rapray.serve.api import create_app
from rapray.serve.memory import MemoryServices
from tests.support.request_limits import request_limits

ASKED = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}


class Echo:
    """A model that says what it was asked; `late` and `refuse` are words that it knows."""

    def __init__(self) -> None:
        self.closed = 0

    async def describe(self) -> dict[str, Any]:
        """A card."""
        return {"id": "m", "object": "model", "created": 0, "owned_by": "rapray", "max_model_len": 10}

    async def complete(self, request: dict[str, Any]) -> Reply:
        """An echo."""
        text = request["messages"][-1]["content"]
        if text == "late":
            await asyncio.Event().wait()
        if text == "full":
            raise Overloaded(what="The language model", retry_after_s=7)
        if text.isdigit():
            return Reply(int(text), json.dumps({"error": {"message": "so it is"}}))
        return Reply(200, json.dumps({"echo": request}))

    async def stream(self, request: dict[str, Any]) -> AsyncGenerator[str | Reply]:
        """Two pieces."""
        reply = await self.complete(request)
        try:
            if reply.status != 200:
                yield reply
                return
            yield "data: one\n\n"
            yield "data: [DONE]\n\n"
        finally:
            self.closed += 1


async def post(body: dict[str, Any], chat: Echo | None) -> httpx.Response:
    """One request."""
    is_late = body.get("messages") == says("late")["messages"]
    app = create_app(MemoryServices(chat=chat, limits=request_limits(0.1 if is_late else 60)))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        return await client.post("/v1/chat/completions", json=body)


def says(text: str, **members: Any) -> dict[str, Any]:
    """A request with one message."""
    return {**ASKED, "messages": [{"role": "user", "content": text}], **members}


async def test_chat_forwards_request() -> None:
    """Only what the caller said, and nothing that was left out."""
    answer = await post({**ASKED, "temperature": 0.5}, Echo())
    assert answer.json() == {"echo": {**ASKED, "temperature": 0.5, "n": 1, "stream": False}}


async def test_chat_streams_pieces() -> None:
    """Server-sent events, and the generator is closed at the end."""
    echo = Echo()
    answer = await post(says("Hi", stream=True), echo)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text == "data: one\n\ndata: [DONE]\n\n"
    assert echo.closed == 1


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        ("404", 404, "chat_model_unknown"),
        ("400", 400, "chat_invalid"),
        ("500", 502, "chat_failed"),
        ("full", 503, "overloaded"),
        ("late", 504, "deadline_exceeded"),
    ],
)
async def test_chat_refusals_are_problems(text: str, status: int, code: str, stream: bool) -> None:
    """The status stands in the answer also where a stream was asked for; the engine's own faults stay inside."""
    services = Echo()
    answer = await post(says(text, stream=stream), services)
    found = answer.json()
    assert (answer.status_code, found["code"], found["error"]["code"]) == (status, code, code)
    assert ("so it is" in found["error"]["message"]) == (code == "chat_invalid")


@pytest.mark.parametrize(
    "body",
    [
        {**ASKED, "chat_template": "{{ 1 }}"},
        {**ASKED, "messages": []},
        {**ASKED, "n": 1000},
        {
            **ASKED,
            "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "file:///x"}]}],
        },
        {**ASKED, "response_format": {"type": "structural_tag", "structural_tag": {}}},
    ],
)
async def test_chat_rejects_undocumented_members(body: dict[str, Any]) -> None:
    """Nothing that makes the engine run a template, fetch an address or answer a thousand times."""
    answer = await post(body, Echo())
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert answer.json()["errors"]


async def test_chat_without_hosted_model() -> None:
    """The list is empty, asking is a 404 of its own."""
    answer = await post(ASKED, None)
    assert (answer.status_code, answer.json()["code"]) == (404, "chat_not_hosted")
    app = create_app(MemoryServices())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        assert (await client.get("/v1/models")).json() == {"object": "list", "data": []}
        assert (await client.get("/v1/models/org/m")).status_code == 404
