"""One request to an API of OpenAI's form: what went out, what came back, and what each refusal means.

Uses the official client for addresses, keys and time-outs, and reads the body itself: an API may send anything. Knows
no lyric, no limit shared with others, and does not repeat.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import openai
from pydantic import BaseModel, Field, ValidationError

from rapray.analyzers.llm.prompts import Message
from rapray.cache.retry_after import parse_retry_after
from rapray.config.settings import ProviderSettings
from rapray.errors import (
    AnswerInvalid,
    AnswerRefused,
    ProviderQuotaExceeded,
    ProviderRefused,
    ProviderRejected,
    ProviderUnavailable,
)

MAX_BODY_BYTES = 4_000_000  # an answer of 65,536 tokens with its log-probabilities stays below
_LONGEST_REASON = 300
_QUOTA_WORDS = ("insufficient_quota", "billing", "balance", "credit", "payment")


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
    prompt_tokens: int = Field(default=0, ge=0)
    completion_tokens: int = Field(default=0, ge=0)


class _Body(BaseModel):
    choices: list[_Choice] = Field(min_length=1)
    usage: _Usage | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model wrote. `tokens` are its pieces with their log-probabilities, empty where the API gave none."""

    text: str
    finish_reason: str
    input_tokens: int
    output_tokens: int
    tokens: tuple[tuple[str, float], ...] = ()
    served_model: str | None = None


class TooMuch(httpx2.TransportError):
    """A body that is too long, too slow or packed."""


class _BoundedStream(httpx2.SyncByteStream):
    """A body of bounded length and duration: a read time-out alone would let a byte a second pass for ever."""

    def __init__(self, inner: httpx2.SyncByteStream, deadline: float) -> None:
        self._inner, self._deadline = inner, deadline

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for chunk in self._inner:
            size += len(chunk)
            if size > MAX_BODY_BYTES:
                reason = f"the answer is longer than {MAX_BODY_BYTES} bytes"
                raise TooMuch(reason)
            if time.monotonic() > self._deadline:
                raise TooMuch("the answer took too long")
            yield chunk

    def close(self) -> None:
        self._inner.close()


class _BoundedTransport(httpx2.HTTPTransport):
    def __init__(self, timeout_s: float) -> None:
        super().__init__()
        self._timeout_s = timeout_s

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        deadline = time.monotonic() + self._timeout_s
        response = super().handle_request(request)
        if response.headers.get("content-encoding", "identity") != "identity":
            response.close()
            raise TooMuch("the answer is packed, which was not asked for")  # it could unpack to anything
        assert isinstance(response.stream, httpx2.SyncByteStream)
        response.stream = _BoundedStream(response.stream, deadline)
        return response


class Wire:
    """The connection to one provider. Safe to use from several threads.

    Args:
        name: of the provider, as errors say it.
        provider: its settings.
    """

    def __init__(self, name: str, provider: ProviderSettings) -> None:
        self._name, self._provider = name, provider
        key = provider.api_key.get_secret_value() if provider.api_key else ""
        # No proxies or keys of the environment: this talks to what the settings name, as they say.
        http = httpx2.Client(
            transport=_BoundedTransport(provider.timeout_s),
            timeout=httpx2.Timeout(provider.timeout_s, connect=min(10, provider.timeout_s)),
            follow_redirects=False,
            trust_env=False,
        )
        self._client = openai.OpenAI(
            base_url=provider.base_url,
            api_key=key or "none",
            organization="",
            project="",
            max_retries=0,
            http_client=http,
            default_headers={"Accept-Encoding": "identity"},
        )

    def ask(self, messages: list[Message], **members: Any) -> Answer:
        """Send one request.

        Args:
            messages: the conversation.
            members: further members of the request.

        Raises:
            ProviderUnavailable: no answer, a time-out, 429 or 5xx; `retry_after_s` among its attributes.
            ProviderRefused: 401 or 403.
            ProviderQuotaExceeded: 402, or 429 for an account that has nothing left.
            ProviderRejected: another 4xx.
            AnswerInvalid: the body is not an answer.
            AnswerRefused: the model or a filter declines.
        """
        with self._translated():
            completions: Any = (
                self._client.chat.completions.with_raw_response
            )  # its overloads know no plain dicts
            reply = completions.create(
                model=self._provider.model,
                messages=messages,
                extra_body=self._provider.extra_body or None,
                **members,
            )
            body = reply.content
        return self._answer(body)

    def models(self) -> list[str]:
        """The names that the API lists; raises as `ask`."""
        with self._translated():
            body = self._client.models.with_raw_response.list().content
        try:
            return [entry.id for entry in _Models.model_validate_json(body).data]
        except ValidationError as error:
            raise AnswerInvalid(provider=self._name, reason="its list of models has another form") from error

    def close(self) -> None:
        """Close every connection."""
        self._client.close()

    def _answer(self, body: bytes) -> Answer:
        try:
            found = _Body.model_validate_json(body)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"])) or "the body"
            raise AnswerInvalid(provider=self._name, reason=f"{place}: {first['msg']}") from error
        choice, usage = found.choices[0], found.usage or _Usage()
        if choice.message.refusal or choice.finish_reason == "content_filter":
            reason = _short(choice.message.refusal or "a content filter")
            raise AnswerRefused(provider=self._name, reason=reason)
        tokens = (choice.logprobs.content if choice.logprobs else None) or []
        return Answer(
            choice.message.content or "",
            choice.finish_reason or "",
            usage.prompt_tokens,
            usage.completion_tokens,
            tuple((token.token, token.logprob) for token in tokens),
            found.model,
        )

    @contextmanager
    def _translated(self) -> Generator[None]:
        try:
            yield
        except openai.APIStatusError as error:
            raise self._of_status(error) from error
        except openai.APIConnectionError as error:
            cause = error.__cause__ or error
            reason = f"{type(cause).__name__}: {cause}" if str(cause) else type(cause).__name__
            raise self._unavailable(_short(reason)) from error
        except openai.OpenAIError as error:
            raise AnswerInvalid(provider=self._name, reason=_short(str(error))) from error
        except httpx2.HTTPError as error:
            raise self._unavailable(_short(f"{type(error).__name__}: {error}")) from error

    def _of_status(self, error: openai.APIStatusError) -> Exception:
        status, reason = error.status_code, self._told(error)
        if status in (401, 403):
            return ProviderRefused(provider=self._name, status=status, variable=self._name.upper())
        is_empty = any(word in f"{error.code} {error.type} {reason}".lower() for word in _QUOTA_WORDS)
        if status == 402 or (status == 429 and is_empty):
            return ProviderQuotaExceeded(provider=self._name, status=status, reason=reason)
        if status in (408, 409, 425, 429) or status >= 500:
            return self._unavailable(f"{status}: {reason}", error.response.headers.get("retry-after"), status)
        return ProviderRejected(provider=self._name, status=status, reason=reason)

    def _unavailable(
        self, reason: str, retry_after: str | None = None, status: int | None = None
    ) -> ProviderUnavailable:
        wait_s = parse_retry_after(retry_after)
        return ProviderUnavailable(provider=self._name, reason=reason, retry_after_s=wait_s, status=status)

    def _told(self, error: openai.APIStatusError) -> str:
        """What the API says, without the key, which some repeat."""
        body = error.body
        told = body.get("message") if isinstance(body, dict) else None
        text = str(told) if told else str(error.message)
        key = self._provider.api_key.get_secret_value() if self._provider.api_key else ""
        return _short(text.replace(key, "***") if key else text)


class _Model(BaseModel):
    id: str


class _Models(BaseModel):
    data: list[_Model]


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_REASON else line[:_LONGEST_REASON] + "…"
