"""A middleware in the process of Ray Serve's proxy: stops slow clients, foreign hosts and orders to Serve.

Serve calls `middlewares` in each proxy that it starts, if the environment of `ray start` has
RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH=rapray.serve.doorway:middlewares. Knows no endpoint.
"""

from __future__ import annotations

import json
import uuid
from typing import Any, cast

import uvicorn.config
from pydantic import ValidationError
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rapray.config import ServeSettings, Settings, load_settings
from rapray.errors import RaprayError
from rapray.net.limits import announced_bytes
from rapray.serve.arrival import Arrival, has_body
from rapray.serve.connection import Connection
from rapray.serve.problems import MEDIA_TYPE, Problem, answer_headers, answer_members, of_code, of_error
from rapray.serve.security import REQUEST_ID, is_own_name
from rapray.telemetry import logger

log = logger(__name__)

VARIABLE = "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH"
IMPORT_PATH = "rapray.serve.doorway:middlewares"
_KEY, _NAMESPACE = b"settings", b"rapray.serve.doorway"
# Serve takes orders from these headers: how long a request may take, which model or session it belongs to,
# and to ignore that the client has left. They are meant for a proxy in front of Serve, not for clients.
ORDERS = frozenset(
    {
        "x-request-timeout-seconds",
        "x-request-disconnect-disabled",
        "serve-multiplexed-model-id",
        "x-session-id",
    }
)
_MOST_HELD = 40  # largest bodies that one proxy holds at once; whatever comes on top of them gets a 503


def announce(settings: Settings | None) -> None:
    """Store the settings for proxies that start from now on; with None they use those of their node."""
    from ray.experimental import internal_kv

    store: Any = internal_kv
    if settings is None:
        store._internal_kv_del(_KEY, namespace=_NAMESPACE)  # noqa: SLF001 - Ray has no other place that a proxy sees
    else:
        announced = {"settings": settings.serve.model_dump(mode="json"), "job": _this_job()}
        stored = json.dumps(announced).encode()
        store._internal_kv_put(_KEY, stored, overwrite=True, namespace=_NAMESPACE)  # noqa: SLF001


def is_left_behind() -> bool:
    """Return True if the `rapray serve` that announced the settings was killed: what it served still runs."""
    job = _announced().get("job")
    return isinstance(job, str) and job not in _running_jobs()


def _this_job() -> str:
    import ray

    return ray.get_runtime_context().get_job_id()


def _running_jobs() -> set[str]:
    from ray._private import worker

    core: Any = worker  # without types; the public list of jobs needs the dashboard
    client = core.global_worker.gcs_client
    return {job_id.hex() for job_id, job in client.get_all_job_info().items() if not job.is_dead}


def middlewares() -> list[Middleware]:
    """Return the doorway; Serve calls this in the process of a proxy, before it listens."""
    settings = _announced_settings() or load_settings().settings.serve
    Connection.head_timeout_s = settings.head_timeout_s
    Connection.unread_timeout_s = settings.unread_timeout_s
    # Serve leaves the choice of the protocol to uvicorn, which looks into this table.
    uvicorn.config.HTTP_PROTOCOLS["auto"] = f"{Connection.__module__}:{Connection.__qualname__}"
    return [Middleware(Doorway, settings=settings)]


def _announced_settings() -> ServeSettings | None:
    stored = _announced().get("settings")
    try:
        return None if stored is None else ServeSettings.model_validate(stored)
    except ValidationError as error:
        problems = error.errors(include_input=False, include_url=False)
        log.warning("stored_settings_not_used", reason="they are not valid for this version", detail=problems)
        return None


def _announced() -> dict[str, Any]:
    from ray.experimental import internal_kv

    store: Any = internal_kv
    stored = store._internal_kv_get(_KEY, namespace=_NAMESPACE)  # noqa: SLF001
    announced: object = json.loads(stored) if stored else {}
    return cast("dict[str, Any]", announced) if isinstance(announced, dict) else {}


class Doorway:
    """A middleware that lets through whole requests to a name of this host, without orders to Serve."""

    def __init__(self, app: ASGIApp, *, settings: ServeSettings) -> None:
        self._app, self._settings = app, settings
        self._held_bytes = 0  # of all bodies in flight

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with a problem."""
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Serve's own paths answer a handshake with HTTP messages, which ends in a 500.
        if self._is_misdirected(scope) or scope["path"].startswith("/-/"):
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        await self._app(_without_orders(scope), receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._is_misdirected(scope):
            await _answer(scope, send, of_code("host_not_allowed"))
        elif not has_body(scope):
            await self._app(_without_orders(scope), receive, send)
        elif announced_bytes(Headers(scope=scope).get("content-length", "")) > self._settings.max_body_bytes:
            await _answer(scope, send, of_code("body_too_large"))
        else:
            await self._with_body(scope, receive, send)

    async def _with_body(self, scope: Scope, receive: Receive, send: Send) -> None:
        idle_s, total_s = self._settings.body_idle_timeout_s, self._settings.body_timeout_s
        arrival = Arrival(receive, idle_s=idle_s, total_s=total_s)
        body = bytearray()
        held = 0
        try:
            while not arrival.is_complete:
                try:
                    message = await arrival()
                except RaprayError as error:
                    await _answer(scope, send, of_error(error))
                    return
                if message["type"] != "http.request":  # the client has left
                    return
                body += message.get("body", b"")
                self._held_bytes += len(body) - held
                held = len(body)
                if held > self._settings.max_body_bytes:
                    await _answer(scope, send, of_code("body_too_large"))
                    return
                if self._held_bytes > _MOST_HELD * self._settings.max_body_bytes:
                    body.clear()
                    await _answer(scope, send, of_code("overloaded"))
                    return
            whole: list[Message] = [{"type": "http.request", "body": bytes(body), "more_body": False}]
            body.clear()

            async def replayed() -> Message:
                return whole.pop() if whole else await receive()

            await self._app(_without_orders(scope), replayed, send)
        finally:
            self._held_bytes -= held

    def _is_misdirected(self, scope: Scope) -> bool:
        if self._settings.allow_unauthenticated:
            return False
        return not is_own_name(Headers(scope=scope).get("host", ""))


def _without_orders(scope: Scope) -> Scope:
    headers = [(name, value) for name, value in scope["headers"] if not _is_order(name, value)]
    return {**scope, "headers": headers}


def _is_order(name: bytes, value: bytes) -> bool:
    plain = name.decode("latin-1").lower().replace("_", "-")
    # Serve reads the id as UTF-8, and fails on anything else.
    is_bad_id = plain == "x-request-id" and not REQUEST_ID.fullmatch(value.decode("latin-1"))
    return plain in ORDERS or is_bad_id


async def _answer(scope: Scope, send: Send, problem: Problem) -> None:
    sent_id = Headers(scope=scope).get("x-request-id", "")
    request_id = sent_id if REQUEST_ID.fullmatch(sent_id) else uuid.uuid4().hex
    body = json.dumps(answer_members(problem, scope["path"], request_id)).encode()
    headers = {
        **answer_headers(problem),
        "content-type": MEDIA_TYPE,
        "content-length": str(len(body)),
        "x-content-type-options": "nosniff",
        "x-request-id": request_id,
    }
    if problem.status in {413, 503}:  # the rest of the body would be read on
        headers["connection"] = "close"
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": encoded})
    await send({"type": "http.response.body", "body": body if scope["method"] != "HEAD" else b""})
