"""Lets requests in: a body must arrive within the deadlines, then its request needs a place; probes do not.

Knows no endpoint but the probes.
"""

from __future__ import annotations

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rapray.errors import Overloaded, RequestTimeout
from rapray.serve.admission import Admission
from rapray.serve.api.errors import Refused, respond
from rapray.serve.arrival import Arrival, has_body
from rapray.serve.problems import of_error

PROBES = frozenset({"/livez", "/readyz", "/health", "/metrics"})
# A body has no meaning here and no route reads it, so its arrival cannot be what takes the place.
_BODY_IGNORED = frozenset({"GET", "HEAD", "OPTIONS", "DELETE"})


class Intake:
    """A middleware that gives a request a place once the body that it needs is complete; half a body takes none."""

    def __init__(self, app: ASGIApp, *, admission: Admission) -> None:
        self._app, self._admission = app, admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limits = scope["app"].state.services.limits
        arrival = Arrival(receive, idle_s=limits.body_idle_timeout_s, total_s=limits.body_timeout_s)
        visit = _Visit(self._admission, arrival, send)
        try:
            if scope["path"] not in PROBES and (scope["method"] in _BODY_IGNORED or not has_body(scope)):
                await visit.enter()
            await self._app(scope, arrival if scope["path"] in PROBES else visit.receive, visit.send)
        except Refused as refused:
            await respond(Request(scope), refused.problem)(scope, receive, send)
        except ClientDisconnect:  # in the middle of the body: there is nobody to answer
            pass
        finally:
            visit.leave()


class _Visit:
    """A request, which holds a place from its last byte on, or from the start if it needs no body."""

    def __init__(self, admission: Admission, arrival: Arrival, send: Send) -> None:
        self._admission, self._arrival, self._send = admission, arrival, send
        self._is_inside = self._is_answered = False

    async def enter(self) -> None:
        if self._is_inside:
            return
        try:
            await self._admission.enter()
        except Overloaded as error:
            raise Refused(of_error(error)) from error
        self._is_inside = True

    def leave(self) -> None:
        if self._is_inside:
            self._admission.leave()

    async def receive(self) -> Message:
        try:
            message = await self._arrival()
        except RequestTimeout:
            if self._is_answered:  # nobody needs the body any more: treat its sender as gone
                return {"type": "http.disconnect"}
            raise
        if self._arrival.is_complete and message["type"] == "http.request":
            await self.enter()
        return message

    async def send(self, message: Message) -> None:
        self._is_answered = True
        await self._send(message)
