"""robots.txt as RFC 9309 defines it.

Crawl-delay is not in the standard and is ignored: the rate limit decides the pace. Python's own parser is not used
because it has no wildcards and takes the first rule that matches instead of the longest.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from urllib.parse import quote, unquote_to_bytes

import httpx

from rapray.net.address import host_of
from rapray.sources.http import HttpClient, Problem

PRODUCT = "rapray"
_MAX_BYTES = 512_000  # RFC 9309 section 2.5 asks for at least 500 KiB
_FRESH_FOR_S = 24 * 3600.0  # section 2.4
_UNREADABLE_FOR_S = 60.0  # until it is tried again
_UNRESERVED_AND_DELIMITERS = "/-._~!$&'()*+,;=:@?%"


class Verdict(Enum):
    """Whether a page may be fetched."""

    ALLOWED = "allowed"
    DISALLOWED = "disallowed"
    UNKNOWN = "unknown"  # robots.txt cannot be read now: nothing may be fetched until it can


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one robots.txt for one crawler, as pairs (is_allow, pattern)."""

    rules: tuple[tuple[bool, str], ...]

    def allows(self, path: str) -> bool:
        """Return True if the longest matching rule allows the path with its query; of two equal ones, allow wins."""
        path = _canonical(path)
        if path == "/robots.txt":
            return True
        matching = [(len(pattern), is_allow) for is_allow, pattern in self.rules if _matches(pattern, path)]
        return max(matching)[1] if matching else True


def parse_robots(body: bytes, product: str = PRODUCT) -> Rules:
    """Return the rules for this crawler, or those for `*` if none names it."""
    named: list[tuple[bool, str]] = []
    general: list[tuple[bool, str]] = []
    agents: set[str] = set()
    was_named = is_group_open = False
    for line in body[:_MAX_BYTES].decode("utf-8-sig", "replace").splitlines():
        key, separator, value = line.partition("#")[0].partition(":")
        key, value = key.strip().lower(), value.strip()
        if not separator:
            continue
        if key == "user-agent":
            agents = {*(agents if is_group_open else ()), _product_token(value)}
            is_group_open = True
            was_named = was_named or product in agents
        elif key in {"allow", "disallow"}:
            is_group_open = False
            rule = [(key == "allow", _canonical(value))] if value else []
            named += rule if product in agents else []
            general += rule if "*" in agents else []
    return Rules(tuple(named if was_named else general))


class Robots:
    """The robots.txt of each host, read once a day through the same client and limiter as the pages."""

    def __init__(self, http: HttpClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._http = http
        self._clock = clock
        self._lock = threading.Lock()
        self._cache: dict[str, tuple[float, Rules | None]] = {}

    def verdict(self, url: str) -> Verdict:
        """Return whether rapray may fetch this address."""
        rules = self._rules(httpx.URL(url))
        if rules is None:
            return Verdict.UNKNOWN
        path = httpx.URL(url).raw_path.decode("ascii")
        return Verdict.ALLOWED if rules.allows(path) else Verdict.DISALLOWED

    def objection(self, url: str) -> tuple[Problem, str] | None:
        """Return why rapray may not fetch this address, None if it may. A `Judge` for `HttpClient.get`."""
        host, path = httpx.URL(url).host, httpx.URL(url).path
        match self.verdict(url):
            case Verdict.ALLOWED:
                return None
            case Verdict.DISALLOWED:
                return Problem.DISALLOWED, f"robots.txt of {host} does not allow {path}"
            case Verdict.UNKNOWN:
                return Problem.RULES_UNREADABLE, f"robots.txt of {host} cannot be read"

    def _rules(self, url: httpx.URL) -> Rules | None:
        key = f"{url.scheme}://{host_of(str(url))}"
        # Held while the file is read, so that the threads of a worker share one request for it.
        with self._lock:
            expires_at, rules = self._cache.get(key, (float("-inf"), None))
            if self._clock() >= expires_at:
                rules = self._read(key)
                lifetime_s = _UNREADABLE_FOR_S if rules is None else _FRESH_FOR_S
                self._cache[key] = (self._clock() + lifetime_s, rules)
            return rules

    def _read(self, base: str) -> Rules | None:
        """Return the rules: none if the file is missing (4xx). Return None if it cannot be read (section 2.3.1)."""
        answer = self._http.get(f"{base}/robots.txt")
        if answer.problem is not None or answer.status is None:
            return None
        if 200 <= answer.status < 300:
            return parse_robots(answer.body)
        if 400 <= answer.status < 500 and answer.status != 429:
            return Rules(())
        return None


def _product_token(value: str) -> str:
    return value.partition("/")[0].strip().partition(" ")[0].lower()


def _canonical(path: str) -> str:
    """Return the path with one spelling of each escaped character, so that `%7Erap` and `~rap` are the same."""
    return quote(
        unquote_to_bytes(path.replace("%2F", "%252F").replace("%2f", "%252F")), _UNRESERVED_AND_DELIMITERS
    )


def _matches(pattern: str, path: str) -> bool:
    """Match a path in linear time: `*` stands for any characters, a final `$` for the end."""
    is_anchored = pattern.endswith("$")
    first, *rest = pattern.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    if not rest:
        return len(path) == len(first) or not is_anchored
    *middle, last = rest
    at = len(first)
    for piece in middle:
        at = path.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    if is_anchored:
        return path.endswith(last) and len(path) - len(last) >= at
    return path.find(last, at) >= 0
