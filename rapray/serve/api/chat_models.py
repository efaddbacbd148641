"""The bodies of the OpenAI form, as far as the hosted model takes them.

Does not know the model. Bounded: a member that makes the engine load, fetch or run something is not there.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from rapray.serve.api.fields import Request

_MOST_MESSAGES = 1000
_MOST_PARTS = 5000  # of all messages together: each becomes an object, on the event loop
_Unit = Annotated[float, Field(ge=0, le=1)]
_Penalty = Annotated[float, Field(ge=-2, le=2)]


class TextPart(Request):
    """A piece of a message."""

    type: Literal["text"]
    text: str


class ChatMessage(Request):
    """One turn of the conversation."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | Annotated[list[TextPart], Field(fail_fast=True)]
    name: str | None = None


class ResponseFormat(Request):
    """How the answer is bound; `json_schema` holds `name` and `schema`."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: dict[str, Any] | None = None


class StreamOptions(Request):
    """What a stream says beside its text."""

    include_usage: bool = False


class ChatRequest(Request):
    """`POST /v1/chat/completions`, as OpenAI documents it; members beyond these are refused by name."""

    model: str = Field(description="A name of `/v1/models`.", max_length=300)
    # The first that is wrong is named and no other: an error for each of a thousand would hold up the event loop.
    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=_MOST_MESSAGES, fail_fast=True)]
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: _Unit | None = None
    n: Annotated[int, Field(ge=1, le=8)] = 1
    stop: str | Annotated[list[str], Field(max_length=4)] | None = None
    seed: int | None = None
    presence_penalty: _Penalty | None = None
    frequency_penalty: _Penalty | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    response_format: ResponseFormat | None = None
    stream: bool = False
    stream_options: StreamOptions | None = None
    user: str | None = Field(default=None, max_length=300)

    @field_validator("messages", mode="before")
    @classmethod
    def _few_parts(cls, given: Any) -> Any:
        messages = cast("list[Any]", given)[:_MOST_MESSAGES] if isinstance(given, list) else []
        contents = [cast("dict[str, Any]", one).get("content") for one in messages if isinstance(one, dict)]
        if sum(len(cast("list[Any]", parts)) for parts in contents if isinstance(parts, list)) > _MOST_PARTS:
            reason = "messages may have at most {most} parts together"
            raise PydanticCustomError("too_long", reason, {"most": _MOST_PARTS})
        return given


class ChatModel(BaseModel):
    """A model that answers here."""

    model_config = ConfigDict(extra="allow")

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str
    max_model_len: int | None = None


class ChatModels(BaseModel):
    """The list of them."""

    object: Literal["list"] = "list"
    data: list[ChatModel]


class ChatCompletion(BaseModel):
    """The whole answer, as OpenAI documents it."""

    model_config = ConfigDict(extra="allow")

    id: str
    object: Literal["chat.completion"]
    model: str
    choices: list[dict[str, Any]]
    usage: dict[str, Any] | None = None
