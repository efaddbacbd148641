"""Another user of this host, who tries what an attacker would: `nobody`, in a process of its own.

Everything that the process needs is imported before it becomes `nobody`, who may not be able to read the checkout.
"""

from __future__ import annotations

import http.client
import json
import multiprocessing
import os
import socket
from collections.abc import Callable, Generator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import grpc
import pytest

Result = TypeVar("Result")
NOBODY = 65534
# Harmless methods that take an empty message, one of each service that Ray has a port for.
METHODS = (
    "/ray.rpc.NodeInfoGcsService/GetClusterId",
    "/ray.rpc.NodeManagerService/GetSystemConfig",
    "/ray.rpc.ObjectManagerService/Pull",
    "/ray.rpc.CoreWorkerService/NumPendingTasks",
    "/ray.rpc.ReporterService/HealthCheck",
    "/ray.rpc.RayletDriver/ClusterInfo",
    "/ray.serve.ASGIService/HandleRequest",
)
_NO_SUCH_SERVICE = {"UNIMPLEMENTED", "UNAVAILABLE", "DEADLINE_EXCEEDED"}
_PATIENCE_S = 20


@contextmanager
def stranger() -> Generator[Callable[..., Any]]:
    """Yield a function that calls another one as `nobody`; skip the test if this process may not do so."""
    if os.geteuid() != 0:
        pytest.skip("only root can act as another user")
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn, initializer=_become_nobody) as process:

        def call(function: Callable[..., Result], *arguments: object) -> Result:
            return process.submit(function, *arguments).result(120)

        assert call(os.geteuid) == NOBODY
        yield call


def _become_nobody() -> None:
    answers("127.0.0.1", 9, None)  # nobody listens there, but Python now has all that it imports late
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


_sockets: list[socket.socket] = []
_servers: list[grpc.Server] = []
_tokens: list[str] = []


class _Impostor(grpc.GenericRpcHandler):
    """Asks for a token, as Ray does, and notes what it gets."""

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
        _tokens.extend(
            str(value) for key, value in handler_call_details.invocation_metadata if key == "authorization"
        )
        return grpc.unary_unary_rpc_method_handler(_refuse)


def _refuse(_: bytes, context: grpc.ServicerContext) -> bytes:
    context.abort(grpc.StatusCode.UNAUTHENTICATED, "a token, please")
    return b""


def pose_as_ray(host: str) -> int:
    """Serve as a Ray that asks for a token, as long as this process lives, and return the port."""
    server = grpc.server(ThreadPoolExecutor(2), handlers=[_Impostor()])
    port = server.add_insecure_port(f"{host}:0")
    server.start()
    _servers.append(server)
    return port


def tokens_received() -> list[str]:
    """Return the headers with tokens that this process's servers got."""
    return _tokens


def listen(host: str) -> int:
    """Listen at a free port as long as this process lives, and return the port."""
    _sockets.append(socket.create_server((host, 0)))
    return _sockets[-1].getsockname()[1]


def answers(host: str, port: int, token: str | None) -> dict[str, str]:
    """Return what Ray's services on this port answer, "refused" or "served"; absent ones are left out."""
    by_service = {method: _grpc_answer(f"{host}:{port}", method, token) for method in METHODS}
    by_service["HTTP"] = _http_answer(host, port, token)
    return {service: answer for service, answer in by_service.items() if answer}


def _grpc_answer(target: str, method: str, token: str | None) -> str:
    metadata = [] if token is None else [("authorization", f"Bearer {token}")]
    with grpc.insecure_channel(target) as channel:
        try:
            channel.unary_unary(method)(b"", timeout=_PATIENCE_S, metadata=metadata)
        except grpc.RpcError as error:
            code = error.code().name  # pyright: ignore
            if code in _NO_SUCH_SERVICE:
                return ""
            return "refused" if code == "UNAUTHENTICATED" else "served"  # it read the message at least
    return "served"


def _http_answer(host: str, port: int, token: str | None) -> str:
    try:
        status = post(host, port, "/api/jobs/", {}, token)
    except (OSError, http.client.HTTPException):
        return ""
    return "refused" if status in (401, 403) else "served"


def post(host: str, port: int, path: str, body: object, token: str | None) -> int:
    """Send one POST request and return its status."""
    connection = http.client.HTTPConnection(host, port, timeout=_PATIENCE_S)
    headers = {"Content-Type": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    try:
        connection.request("POST", path, json.dumps(body), headers)
        return connection.getresponse().status
    finally:
        connection.close()


def only_publishes_figures(host: str, port: int) -> bool:
    """Return True if the port answers as an exporter of metrics does."""
    connection = http.client.HTTPConnection(host, port, timeout=_PATIENCE_S)
    try:
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        return answer.status == 200 and b"# HELP" in answer.read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def can_read(path: str) -> bool:
    """Return True if this process may read the file, or list the directory."""
    return os.access(path, os.R_OK)


def can_connect(path: str) -> bool:
    """Return True if this process can connect to a Unix socket."""
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(path)
        except PermissionError:
            return False
    return True
