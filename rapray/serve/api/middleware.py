"""What every request passes through: its id, its log context, its metrics, the security headers.

Knows no endpoint; written against ASGI so that a streamed answer is not copied.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import MutableMapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rapray.serve.api.errors import respond, respond_to_defect
from rapray.serve.problems import of_code
from rapray.serve.security import REQUEST_ID, is_own_name
from rapray.telemetry import bound, metric

# Pages load their own style sheet and script and nothing else; no inline code runs, whatever a lyric holds.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
}


class RequestContext:
    """Gives each request an id (the caller's where it is well formed) and sends it back; turns defects into problems.

    Does not log requests: the proxy in front has an access log; the metrics have the rest.
    """

    def __init__(self, app: ASGIApp, *, proxy_sends_id: bool = False) -> None:
        self._app, self._proxy_sends_id = app, proxy_sends_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        # An id that is not well formed goes back beside ours: the problem and the log name ours.
        is_sent = self._proxy_sends_id and given == request_id
        exchange = _Exchange(scope, send, None if is_sent else request_id)
        in_progress = metric("rapray_http_requests_in_progress")
        with bound(request_id=request_id), in_progress.track_inprogress():
            try:
                if _is_misdirected(scope):
                    answer = respond(Request(scope), of_code("host_not_allowed"))
                    await answer(scope, receive, exchange.send)
                else:
                    await self._app(scope, receive, exchange.send)
            except Exception as error:
                if exchange.is_started:
                    raise
                answer = respond_to_defect(Request(scope), error)
                await answer(scope, receive, exchange.send)
            finally:
                exchange.observe()


class _Exchange:
    """One request and its answer: adds the headers, remembers the status."""

    def __init__(self, scope: Scope, send: Send, request_id: str | None) -> None:
        self._scope, self._send, self._request_id = scope, send, request_id
        self._started = time.perf_counter()
        self._status = 499  # the client left before there was an answer
        self.is_started = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status, self.is_started = message["status"], True
            headers = MutableHeaders(scope=message)
            if self._request_id is not None:
                headers["x-request-id"] = self._request_id
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)

    def observe(self) -> None:
        labels = {
            "method": _method(self._scope),
            "route": route_template(self._scope),
            "status": str(self._status),
        }
        metric("rapray_http_request_seconds").labels(**labels).observe(time.perf_counter() - self._started)


def route_template(scope: MutableMapping[str, Any]) -> str:
    """`/track/{track_id}` rather than the address itself: the number of label values stays bounded."""
    route = scope.get("route")
    path = getattr(route, "path", None)
    return path if isinstance(path, str) else "unmatched"


def _is_misdirected(scope: Scope) -> bool:
    is_local = scope["app"].state.services.limits.is_local
    return is_local and not is_own_name(Headers(scope=scope).get("host", ""))


def _method(scope: Scope) -> str:
    known = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
    return scope["method"] if scope["method"] in known else "other"
