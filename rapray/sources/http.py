"""The outbound HTTP client of all sources: polite, bounded, and confined to the source's own hosts."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Self

import httpx
from pydantic import SecretStr

from rapray.cache import RateLimiter
from rapray.net.address import Site, host_of, origin, parse_url, user_agent
from rapray.net.body import read_body
from rapray.net.deadline import ClientDeadline
from rapray.net.limits import BodyTooLarge
from rapray.net.retry import backoff, parse_retry_after

MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_KEPT_HEADERS = ("content-type", "etag", "location", "retry-after")


class Problem(StrEnum):
    """Why there is no usable answer, if the status is not the reason."""

    UNREACHABLE = "unreachable"
    TOO_LARGE = "too_large"
    FOREIGN_ADDRESS = "foreign_address"
    TOO_MANY_REDIRECTS = "too_many_redirects"
    HOST_BLOCKED = "host_blocked"
    DISALLOWED = "disallowed"
    RULES_UNREADABLE = "rules_unreadable"


Judge = Callable[[str], tuple[Problem, str] | None]
"""Says why an address may not be fetched; None if it may."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer for one address: a status with its body, or a problem.

    `url` is the last address of the redirects. `retry_after_s` is set if the host named a time, or if it is blocked for
    longer than the client waits. `headers` has lower-case names and only those that rapray reads.
    """

    url: str
    status: int | None = None
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    problem: Problem | None = None
    detail: str = ""
    retry_after_s: float | None = None

    @property
    def is_refusal(self) -> bool:
        """True if the host asks for fewer requests: 429, or 503 with a time."""
        return self.status == 429 or (self.status == 503 and self.retry_after_s is not None)

    @property
    def is_worth_repeating(self) -> bool:
        """True if the same request may succeed in a moment."""
        if self.problem is not None:
            return self.problem is Problem.UNREACHABLE
        return self.status is not None and (self.status == 429 or self.status >= 500)


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """The bounds of one request: seconds, bytes of a body, repeats, and the longest waits.

    `patience_s` bounds the wait for the shared limiter: a longer one means that the host is blocked, not that the
    queue is long.
    """

    timeout_s: float
    max_body_bytes: int
    max_retries: int
    max_retry_wait_s: float
    patience_s: float


class HttpClient:
    """Sends GET requests to a few sites, each under the shared rate limit. Safe to share between threads.

    Args:
        sites: base addresses; no request ever leaves for another one.
        limiter: the rate limit that all workers share; a 429 or Retry-After seen here slows all of them.
        contact: named in the User-Agent header.
        limits: of one request.
        sleep: waits this many seconds; tests replace it.

    Raises:
        ConfigError: a site is not on this machine and no contact is set.
    """

    def __init__(
        self,
        sites: Sequence[str],
        *,
        limiter: RateLimiter,
        contact: str | None,
        limits: HttpLimits,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._sites = [Site(base) for base in sites]
        self._limiter = limiter
        self._limits = limits
        self._sleep = sleep
        self._client = httpx.Client(
            http2=True,
            timeout=limits.timeout_s,
            follow_redirects=False,
            headers={
                "User-Agent": user_agent(contact, self._sites, setting="genius.contact"),
                "Accept-Encoding": "gzip",
                "Accept-Language": "en",
            },
            # No cookies: the answer to a request must not depend on the requests before it.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            # The environment's proxy serves other hosts and cannot reach this machine's own.
            trust_env=not all(site.is_local for site in self._sites),
        )
        self._deadline = ClientDeadline(httpx.ReadTimeout)
        self._deadline.install(self._client)

    def get(
        self,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        bearer: SecretStr | None = None,
        judge: Judge | None = None,
    ) -> Answer:
        """Return the answer after redirects and repeats.

        Args:
            url: an address on one of the sites.
            params: query parameters.
            bearer: a token, sent only to the origin of `url` and never to another one that it redirects to.
            judge: decides about every address, redirects included, before a request goes there.
        """
        address = parse_url(url)
        if address is None:
            return Answer(url, problem=Problem.FOREIGN_ADDRESS, detail=f"not an address: {url[:200]!r}")
        address = address.copy_merge_params(params) if params else address
        attempt = 0
        while True:
            answer = self._follow(address, bearer, judge)
            delay = self._delay_after(answer, attempt)
            if delay is None:
                return answer
            attempt += 1
            if not answer.is_refusal:  # a refusal is waited out in the limiter, by every worker
                self._sleep(delay)

    def _delay_after(self, answer: Answer, attempt: int) -> float | None:
        """Return the seconds before the next repeat, None after the last answer. Tell the limiter of a refusal."""
        if not answer.is_worth_repeating:
            return None
        named = answer.retry_after_s
        longest_s = self._limits.max_retry_wait_s
        delay = named if named is not None else backoff(attempt, longest_s=longest_s)
        if answer.is_refusal:
            self._limiter.penalize(host_of(answer.url), delay)
        if attempt >= self._limits.max_retries or delay > longest_s:
            return None
        return delay

    def _follow(self, address: httpx.URL, bearer: SecretStr | None, judge: Judge | None) -> Answer:
        """Follow redirects; httpx would neither judge nor rate-limit each hop."""
        bearer_origin = origin(address)
        for _ in range(MAX_REDIRECTS + 1):
            objection = self._foreign(address) or (judge(str(address)) if judge else None)
            if objection:
                return Answer(str(address), problem=objection[0], detail=objection[1])
            answer = self._send(address, bearer if origin(address) == bearer_origin else None)
            target = _redirect_target(address, answer)
            if target is None:
                return answer
            address = target
        detail = f"more than {MAX_REDIRECTS} redirects"
        return replace(answer, problem=Problem.TOO_MANY_REDIRECTS, detail=detail)  # pyright: ignore[reportPossiblyUnboundVariable]

    def _foreign(self, address: httpx.URL) -> tuple[Problem, str] | None:
        if any(site.holds(address) for site in self._sites):
            return None
        sites = ", ".join(str(site.base) for site in self._sites)
        return Problem.FOREIGN_ADDRESS, f"{str(address)[:200]} is not on {sites}"

    def _send(self, address: httpx.URL, bearer: SecretStr | None) -> Answer:
        url = str(address)
        wait = self._limiter.reserve(host_of(url))
        if wait > self._limits.patience_s:
            detail = f"{address.host} asked not to be called for {wait:.0f} s"
            return Answer(url, problem=Problem.HOST_BLOCKED, detail=detail, retry_after_s=wait)
        if wait > 0:
            self._sleep(wait)
        headers = {"Authorization": f"Bearer {bearer.get_secret_value()}"} if bearer else {}
        try:
            with (
                self._deadline.within(self._limits.timeout_s),
                self._client.stream("GET", address, headers=headers) as response,
            ):
                return self._answer(url, response)
        except BodyTooLarge as error:
            return Answer(url, problem=Problem.TOO_LARGE, detail=str(error))
        # httpx parses a Location header although it does not follow it, and fails at a hostile one.
        except (httpx.TransportError, httpx.DecodingError, httpx.InvalidURL, UnicodeError) as error:
            detail = f"{type(error).__name__}: {error}"[:300]
            return Answer(url, problem=Problem.UNREACHABLE, detail=detail)

    def _answer(self, url: str, response: httpx.Response) -> Answer:
        headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
        return Answer(
            url,
            status=response.status_code,
            body=read_body(response, self._limits.max_body_bytes),
            headers=headers,
            retry_after_s=parse_retry_after(headers.get("retry-after")),
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _redirect_target(address: httpx.URL, answer: Answer) -> httpx.URL | None:
    location = answer.headers.get("location")
    if answer.status not in _REDIRECTS or not location:
        return None
    try:
        return address.join(location)
    except (httpx.InvalidURL, ValueError):
        return None
