"""What goes back to a client: status, headers, body, and how the body is sent. The short pages that are no song.

Does not know sockets, nor which request gets which answer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from html import escape
from http import HTTPStatus
from typing import Any

HTML = "text/html; charset=utf-8"


class Delivery(Enum):
    """How a body travels."""

    WHOLE = auto()
    TRUNCATED = auto()  # half of what Content-Length promises, then the connection ends
    TRICKLED = auto()  # a little at a time
    ENDLESS = auto()  # chunked, the body repeated until the site's limit


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; `headers` come on top of Content-Type and Content-Length."""

    status: int
    body: bytes = b""
    content_type: str = HTML
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    delivery: Delivery = Delivery.WHOLE


def envelope(response: Mapping[str, Any]) -> Answer:
    """What the API answers where all went well."""
    return _json(200, {"meta": {"status": 200}, "response": response})


def api_error(status: int, message: str) -> Answer:
    """What the API answers where something is wrong."""
    return _json(status, {"meta": {"status": status, "message": message}})


def _json(status: int, payload: Mapping[str, Any]) -> Answer:
    body = json.dumps(payload, ensure_ascii=False).encode()
    return Answer(status, body, "application/json; charset=utf-8")


def plain_page(status: int, title: str, sentence: str, headers: Mapping[str, str] | None = None) -> Answer:
    """A page that says one thing."""
    html = (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title></head>'
        f'<body><div class="render_404"><h1>{escape(title)}</h1><p>{escape(sentence)}</p></div></body></html>'
    )
    return Answer(status, html.encode(), headers=headers or {})


def not_found() -> Answer:
    """The page for a path that leads nowhere."""
    return plain_page(404, "Burrr!", "Oops! Page not found")


def forbidden() -> Answer:
    """The web host's refusal of a data centre."""
    return plain_page(403, "Access denied", "You do not have access to this site.")


def server_error() -> Answer:
    """The web host's apology."""
    return plain_page(500, "Something went wrong", "Our servers took a wrong turn. Try again in a moment.")


def throttled(retry_after_s: int | None) -> Answer:
    """Too many requests; Retry-After is not promised."""
    headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    return plain_page(429, HTTPStatus(429).phrase, "Slow down, please.", headers)


def redirect(status: int, location: str) -> Answer:
    """The page is elsewhere."""
    return Answer(
        status, b"<html><body>You are being redirected.</body></html>", headers={"Location": location}
    )


def challenge() -> Answer:
    """A page with status 200 that wants a human."""
    html = """<!DOCTYPE html><html lang="en-US"><head><meta charset="utf-8"><title>Just a moment...</title>
<meta name="robots" content="noindex,nofollow"></head><body class="no-js"><div class="main-wrapper" role="main">
<h1>Checking that you are human</h1><noscript>Enable JavaScript and cookies to continue</noscript>
<form id="challenge-form" action="/captcha" method="POST"><div class="g-recaptcha" data-sitekey="sample"></div>
<div id="cf-turnstile" class="cf-turnstile"></div></form></div>
<script>window._cf_chl_opt = {cType: "managed"};</script></body></html>"""
    return Answer(200, html.encode(), headers={"cf-mitigated": "challenge"})
