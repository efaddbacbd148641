"""`Completions` over HTTP: one request to an API of OpenAI's form.

The official client knows addresses and keys. The body is read here, within a limit and a deadline, because an API may
send anything. Nothing is repeated here: `caller.py` does that.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import openai
from pydantic import BaseModel, ValidationError

from rapray.analyzers.llm.completions import Generation, generation_of, refusal, short
from rapray.analyzers.llm.prompts import Message
from rapray.config.llm import ProviderSettings
from rapray.config.secrets import secrets_in
from rapray.errors import AnswerInvalid, ProviderUnavailable, RaprayError
from rapray.net.deadline import ClientDeadline
from rapray.net.limits import BodyTooLarge, ByteLimit

_SHORTEST_SECRET = 8
MAX_BODY_BYTES = 4_000_000  # an answer of 65,536 tokens with its log-probabilities stays below

# After any other error the provider may have worked on the request: a time-out, a connection that ends too early.
_NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol)


class _BoundedStream(httpx2.SyncByteStream):
    """A body of bounded length."""

    def __init__(self, inner: httpx2.SyncByteStream) -> None:
        self._inner = inner

    def __iter__(self) -> Iterator[bytes]:
        limit = ByteLimit(MAX_BODY_BYTES)
        for chunk in self._inner:
            limit.take(len(chunk))
            yield chunk

    def close(self) -> None:
        self._inner.close()


class _BoundedTransport(httpx2.HTTPTransport):
    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        response = super().handle_request(request)
        if response.headers.get("content-encoding", "identity") != "identity":
            response.close()
            # It could grow to any size while it is decompressed.
            raise httpx2.DecodingError("the answer is compressed, which was not asked for")
        assert isinstance(response.stream, httpx2.SyncByteStream)
        response.stream = _BoundedStream(response.stream)
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
        secrets = {key, *secrets_in(provider.extra_body)}
        long_enough = (secret for secret in secrets if len(secret) >= _SHORTEST_SECRET)
        self._secrets = sorted(long_enough, key=len, reverse=True)
        # The settings alone decide where requests go and with which key, not the environment's proxies and keys.
        http = httpx2.Client(
            transport=_BoundedTransport(),
            timeout=httpx2.Timeout(provider.timeout_s, connect=min(10, provider.timeout_s)),
            follow_redirects=False,
            trust_env=False,
        )
        self._deadline = ClientDeadline(httpx2.ReadTimeout)
        self._deadline.install(http)
        self._client = openai.OpenAI(
            base_url=provider.base_url,
            api_key=key or "none",
            organization="",
            project="",
            max_retries=0,
            http_client=http,
            default_headers={"Accept-Encoding": "identity"},
        )

    def ask(self, messages: list[Message], **members: Any) -> Generation:
        """Send one request; raises as `Completions.ask`."""
        with self._map_errors(), self._deadline.within(self._provider.timeout_s):
            # Any: the overloads do not accept plain dictionaries.
            completions: Any = self._client.chat.completions.with_raw_response
            reply = completions.create(
                model=self._provider.model,
                messages=messages,
                extra_body=self._provider.extra_body or None,
                **members,
            )
            body = reply.content
        return generation_of(self._name, self._masked(body.decode("utf-8", "replace")))

    def models(self) -> list[str]:
        """Return the names of the models that the API lists; raises as `ask`."""
        with self._map_errors(), self._deadline.within(self._provider.timeout_s):
            body = self._client.models.with_raw_response.list().content
        try:
            return [entry.id for entry in _Models.model_validate_json(body).data]
        except ValidationError as error:
            raise AnswerInvalid(provider=self._name, reason="its list of models has another form") from error

    def close(self) -> None:
        """Close every connection."""
        self._client.close()

    @contextmanager
    def _map_errors(self) -> Generator[None]:
        """Raise rapray's errors in place of those of openai, httpx2 and a body that is too large."""
        try:
            yield
        except openai.APIStatusError as error:
            raise self._of_status(error) from error
        except openai.APIConnectionError as error:
            cause = error.__cause__ or error
            reason = f"{type(cause).__name__}: {cause}" if str(cause) else type(cause).__name__
            raise self._unavailable(reason, was_sent=not isinstance(cause, _NEVER_SENT)) from error
        except (openai.OpenAIError, httpx2.HTTPError, BodyTooLarge) as error:
            reason = f"{type(error).__name__}: {error}"
            raise self._unavailable(reason) from error

    def _of_status(self, error: openai.APIStatusError) -> RaprayError:
        return refusal(
            self._name,
            error.status_code,
            self._message(error),
            kind=f"{error.code} {error.type}",
            retry_after=error.response.headers.get("retry-after"),
        )

    def _unavailable(self, reason: str, *, was_sent: bool = True) -> ProviderUnavailable:
        return ProviderUnavailable(
            provider=self._name,
            reason=short(self._masked(reason)),
            retry_after_s=None,
            status=None,
            was_sent=was_sent,
        )

    def _message(self, error: openai.APIStatusError) -> str:
        """Return what the API says about the error."""
        body = error.body
        message = body.get("message") if isinstance(body, dict) else None
        return short(self._masked(str(message or error.message)))

    def _masked(self, text: str) -> str:
        """Replace the key and other secrets, which some servers and clients repeat: the text is stored and shown.

        A key of a few letters stays, because replacing it would take words apart.
        """
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


class _Model(BaseModel):
    id: str


class _Models(BaseModel):
    data: list[_Model]
