"""What a language model says to one request, whoever carries it: a generation, or what a refusal means.

Knows neither HTTP clients nor Ray: `wire.py` carries requests over HTTP, `rapray/hosting/` within a cluster.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Protocol, runtime_checkable

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from rapray.analyzers.llm.prompts import Message
from rapray.config.llm import ProviderSettings
from rapray.errors import (
    AnswerRefused,
    ProviderQuotaExceeded,
    ProviderRefused,
    ProviderRejected,
    ProviderUnavailable,
    RaprayError,
)
from rapray.net.retry import parse_retry_after
from rapray.text.storable import storable

_LONGEST_REASON = 300
_MOST_TOKENS = 10_000_000  # of one request: no context that the settings allow holds more
_QUOTA_WORDS = ("insufficient_quota", "billing", "balance", "credit", "payment")


@dataclass(frozen=True, slots=True)
class Generation:
    """What a model wrote, and how many tokens it took; None where the API does not say, or says what cannot be.

    `tokens` are its pieces with their log-probabilities, empty where the API gave none.
    """

    text: str
    finish_reason: str
    input_tokens: int | None
    output_tokens: int | None
    tokens: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back for one request: an HTTP status, and a body of OpenAI's form as JSON."""

    status: int
    body: str


class Completions(Protocol):
    """Whoever carries a request to a model. Safe to use from several threads."""

    def ask(self, messages: list[Message], **members: Any) -> Generation:
        """Send one request.

        Args:
            messages: the conversation.
            members: further members of the request.

        Raises:
            ProviderUnavailable: no answer, a time-out, 429, 5xx or a body that is no answer; among its attributes
                `retry_after_s`, `status`, and `was_sent`: False where the request never left.
            ProviderRefused: 401 or 403.
            ProviderQuotaExceeded: 402, or 429 for an account that has nothing left.
            ProviderRejected: another 4xx.
            AnswerRefused: the model or a filter declines; `input_tokens` and `output_tokens` as in `Generation`.
        """
        ...


@runtime_checkable
class Asking(Protocol):
    """An analyzer whose requests somebody else may carry."""

    def ask_through(self, completions: Completions) -> None:
        """Send every further request through `completions`."""
        ...


def request_of(
    provider: ProviderSettings, messages: list[Message], members: dict[str, Any]
) -> dict[str, Any]:
    """A request as plain JSON, with what the settings add to each."""
    return {"model": provider.model, "messages": messages, **members, **provider.extra_body}


def generation_of(name: str, body: str | bytes) -> Generation:
    """The generation in a body of OpenAI's form.

    Raises:
        ProviderUnavailable, AnswerRefused: see `Completions.ask`.
    """
    try:
        found = _Body.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "the body"
        reason = f"its answer has another form: {place}: {first['msg']}"
        raise ProviderUnavailable(provider=name, reason=reason, retry_after_s=None, status=200) from error
    choice, usage = found.choices[0], found.usage or _Usage()
    told = {"input_tokens": usage.prompt_tokens or None, "output_tokens": usage.completion_tokens}
    if choice.message.refusal or choice.finish_reason == "content_filter":
        reason = short(choice.message.refusal or "a content filter")
        raise AnswerRefused(provider=name, reason=reason, **told)
    tokens = (choice.logprobs.content if choice.logprobs else None) or []
    return Generation(
        choice.message.content or "",
        choice.finish_reason or "",
        tokens=tuple((token.token, token.logprob) for token in tokens),
        **told,
    )


def generation_in(name: str, reply: Reply) -> Generation:
    """The generation in a reply. Raises as `Completions.ask`."""
    if reply.status == 200:
        return generation_of(name, reply.body)
    raise refusal(name, reply.status, reason_of(reply.body))


def refusal(
    name: str, status: int, reason: str, *, kind: str = "", retry_after: str | None = None
) -> RaprayError:
    """What a status of 400 or more means; `kind` is the API's own word for it."""
    if status in (401, 403):
        return ProviderRefused(provider=name, status=status, variable=name.upper())
    is_empty = any(word in f"{kind} {reason}".lower() for word in _QUOTA_WORDS)
    if status == 402 or (status == 429 and is_empty):
        return ProviderQuotaExceeded(provider=name, status=status, reason=reason)
    if status in (408, 409, 425, 429) or status >= 500:
        wait_s = parse_retry_after(retry_after)
        told = f"{status}: {reason}"
        return ProviderUnavailable(provider=name, reason=told, retry_after_s=wait_s, status=status)
    return ProviderRejected(provider=name, status=status, reason=reason)


def reason_of(body: str) -> str:
    """What a refusal in OpenAI's form says, in one line."""
    try:
        return short(_Refusal.model_validate_json(body).error.message)
    except ValidationError:
        return short(body)


def short(text: str) -> str:
    """One line of at most 300 characters that can be written and stored: an API may send half of a character."""
    line = " ".join(storable(text).split())
    return line if len(line) <= _LONGEST_REASON else line[:_LONGEST_REASON] + "…"


def _count_or_none(value: object) -> int | None:
    """The answer is good and paid, whatever stands beside it; a count that cannot be one is none."""
    return value if type(value) is int and 0 <= value <= _MOST_TOKENS else None


def _mapping_or_none(value: object) -> object:
    return value if isinstance(value, dict) else None


_Count = Annotated[int | None, BeforeValidator(_count_or_none)]


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Token(BaseModel):
    token: str
    logprob: float


class _Logprobs(BaseModel):
    content: list[_Token] | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None
    logprobs: _Logprobs | None = None


class _Usage(BaseModel):
    prompt_tokens: _Count = None
    completion_tokens: _Count = None


class _Body(BaseModel):
    choices: list[_Choice] = Field(min_length=1)
    usage: Annotated[_Usage | None, BeforeValidator(_mapping_or_none)] = None


class _Error(BaseModel):
    message: str


class _Refusal(BaseModel):
    error: _Error
