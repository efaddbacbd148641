"""The replica of the hosted model: vLLM's engine, asked in plain JSON of OpenAI's form.

Imports vLLM; `deployment.py` imports this file where a model starts. Knows no lyric.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

from pydantic import ValidationError
from ray.serve.llm import LLMConfig, LLMServer
from ray.serve.llm.openai_api_models import ChatCompletionRequest

from rapray.analyzers.llm.completions import Reply


class HostedModel(LLMServer):
    """One replica. Its callers import no vLLM: they send and take dictionaries.

    Args:
        llm_config: what to load and how.
        timeout_s: longest work on one request of a job.
    """

    async def __init__(self, llm_config: LLMConfig, *, timeout_s: float) -> None:
        await super().__init__(llm_config)
        self._timeout_s = timeout_s

    async def describe(self) -> dict[str, Any]:
        """The model as `/v1/models` lists it."""
        config = self._llm_config
        return {
            "id": config.model_id,
            "object": "model",
            "created": 0,  # nobody knows when the weights were made
            "owned_by": "rapray",
            "max_model_len": config.max_request_context_length,
        }

    async def complete(self, request: dict[str, Any]) -> Reply:
        """The whole answer to one chat request."""
        try:
            wanted = ChatCompletionRequest(**{**request, "stream": False})
        except ValidationError as error:
            return _not_valid(error)
        async for found in await self.chat(wanted):
            return _reply(found)
        return Reply(500, _error("the engine gave no answer", "InternalServerError", 500))

    async def complete_all(self, row: dict[str, Any]) -> AsyncGenerator[dict[str, str]]:
        """The replies to several requests of one text, all at once: what a job's `ServeDeploymentProcessor` calls.

        Args:
            row: `requests`: a JSON list of chat requests. JSON, because Arrow would give every request the members of
                every other one.
        """
        requests: list[dict[str, Any]] = json.loads(row["requests"])
        replies = await asyncio.gather(*(self._within_time(request) for request in requests))
        yield {"replies": json.dumps([[reply.status, reply.body] for reply in replies])}

    async def stream(self, request: dict[str, Any]) -> AsyncGenerator[str | Reply]:
        """The answer to one chat request as lines of server-sent events; a `Reply` where it is refused."""
        try:
            wanted = ChatCompletionRequest(**{**request, "stream": True})
        except ValidationError as error:
            yield _not_valid(error)
            return
        async for found in await self.chat(wanted):
            for piece in found if isinstance(found, list) else [found]:
                yield piece if isinstance(piece, str) else _reply(piece)

    async def _within_time(self, request: dict[str, Any]) -> Reply:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self.complete(request)
        except TimeoutError:
            message = f"no whole answer within {self._timeout_s:g} s"
            return Reply(504, _error(message, "TimeoutError", 504))


def _reply(found: Any) -> Reply:
    """Ray and vLLM have a class of refusals each; both have the member `error`."""
    refused = getattr(found, "error", None)
    return Reply(200 if refused is None else int(refused.code or 500), found.model_dump_json())


def _not_valid(error: ValidationError) -> Reply:
    first = error.errors(include_url=False, include_input=False)[0]
    message = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return Reply(400, _error(message, "BadRequestError", 400))


def _error(message: str, kind: str, code: int) -> str:
    return json.dumps({"error": {"message": message, "type": kind, "code": code}})
