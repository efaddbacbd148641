"""What Ray reads from the environment: the token that its processes ask for, and whether they listen on loopback only.

A variable that is set already is the operator's and wins. Ray reads some variables once and keeps what it
read, so this module makes Ray read them again whenever it changes one.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ray import _raylet  # pyright: ignore[reportPrivateUsage]
from ray._private import grpc_utils, ray_constants, services
from ray.exceptions import AuthenticationError

from rapray.config import Settings
from rapray.embedded.paths import Paths
from rapray.embedded.ray_directory import private_root
from rapray.embedded.ray_ports import is_of_this_user
from rapray.embedded.ray_token import ensure_token, has_token
from rapray.errors import RayRefused, RayUnavailable
from rapray.telemetry import logger

log = logger(__name__)

# Ray's own modules for all this have no types.
_core: Any = _raylet
_constants: Any = ray_constants
_grpc_utils: Any = grpc_utils

LOCAL = "local"
MODE, TOKEN, TOKEN_PATH = "RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"
# "0" makes 127.0.0.1 the address of this node, on Linux as elsewhere, and Ray's processes listen on it only.
NODE_ADDRESS: str = _constants.ENABLE_RAY_CLUSTERS_ENV_VAR
_TOKEN_OF_RAY = Path("~/.ray/auth_token")
FOR_SERVE = {
    # Read by each proxy of Ray Serve; `rapray/serve/doorway.py` says what for.
    "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH": "rapray.serve.doorway:middlewares",
    # Serve restarts a proxy that is not ready within this time. The default of 5 s is too short for a busy host.
    "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "60",
}
"""What a cluster that runs Serve must have in its environment from its start; the manifests repeat it."""
_EVERYWHERE = {
    **FOR_SERVE,
    # `uv run` rewrites the workers' environment.
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
}
# Only for a cluster inside this process, whose core prints warnings about Ray Data's actors to the terminal.
_LOCAL = {"RAY_BACKEND_LOG_LEVEL": "fatal", NODE_ADDRESS: "0"}
_PATIENCE_S = 10
# One harmless method per scheme that takes an empty message: Ray checks the token first.
_QUESTIONS = {"": "/ray.rpc.NodeInfoGcsService/GetClusterId", "ray": "/ray.rpc.RayletDriver/ClusterInfo"}


@contextmanager
def ray_environment(settings: Settings, address: str = LOCAL) -> Generator[None]:
    """Set the variables for starting a Ray cluster here, or joining that at `address`; reset them at the end.

    Raises:
        RayTokenUnusable: others may read the token of this data directory, or it cannot be read.
        RayUnavailable: nobody listens at the address, or what listens does not answer.
        RayRefused: the cluster there asks for a token, and this process has none that is valid.
    """
    variables = _starting(settings) if address == LOCAL else _joining(settings, address)
    with _variables({k: v for k, v in (_EVERYWHERE | variables).items() if k not in os.environ}):
        yield


def shell_variables(settings: Settings) -> dict[str, str]:
    """Return variables that make Ray's own commands start or join clusters here as safely as rapray does."""
    own = {NODE_ADDRESS: "0", "RAY_TMPDIR": str(private_root())}
    return _EVERYWHERE | _own_token(settings) | own


def is_token_mode() -> bool:
    """Return False if the operator has switched tokens off."""
    return os.environ.get(MODE, "token").lower() == "token"


def _own_token(settings: Settings) -> dict[str, str]:
    return {MODE: "token", TOKEN_PATH: str(ensure_token(Paths.of(settings.data_dir).ray_token))}


def _starting(settings: Settings) -> dict[str, str]:
    if not is_token_mode():
        log.warning(
            "ray_without_token", advice=f"unset {MODE}: anyone on this host can run code as this user"
        )
        return _LOCAL
    if TOKEN in os.environ or TOKEN_PATH in os.environ:
        return {**_LOCAL, MODE: "token"}
    return _LOCAL | _own_token(settings)


def _joining(settings: Settings, address: str) -> dict[str, str]:
    scheme, _, place = address.rpartition("://")
    if place == "auto":
        place = _local_address(address)
    target = place.partition("/")[0]
    host, _, digits = target.rpartition(":")
    if not host or not digits.isdigit():
        return {}  # Ray says what is wrong with it
    host, port = host.strip("[]"), int(digits)
    _knock(address, host, port)
    # Ray replaces 127.0.0.1 by this node's own address, where a cluster on loopback does not listen.
    node = {} if scheme or _listens(services.resolve_ip_for_localhost(host), port) else {NODE_ADDRESS: "0"}
    if not is_token_mode() or scheme not in _QUESTIONS:
        return node
    return node | _accepted_token(target, _QUESTIONS[scheme], _token_variables(settings, host, port))


def _local_address(address: str) -> str:
    with _map_errors(address):
        return services.get_ray_address_from_environment(address, None)


def _knock(address: str, host: str, port: int) -> None:
    """Fail in seconds if nobody listens: Ray itself tries a plain host:port for many minutes."""
    with _map_errors(address):
        socket.create_connection((host, port), timeout=_PATIENCE_S).close()


def _listens(host: str, port: int) -> bool:
    try:
        _knock(host, host, port)
    except RayUnavailable:
        return False
    return True


def _accepted_token(target: str, question: str, sources: Iterable[dict[str, str]]) -> dict[str, str]:
    """Return the variables of the first token that the cluster accepts; none if it asks for no token."""
    if _accepts(target, question, {MODE: "disabled"}):
        return {}
    reason = "this process has none"
    for variables in sources:
        if _accepts(target, question, variables):
            return variables
        reason = "it refuses the one that this process has"
    raise RayRefused(address=target, reason=reason)


def _token_variables(settings: Settings, host: str, port: int) -> Iterator[dict[str, str]]:
    """Yield tokens to try. The data directory's is the only one that the operator did not choose for this address."""
    if TOKEN in os.environ or TOKEN_PATH in os.environ:
        yield {MODE: "token"}
        return
    if _TOKEN_OF_RAY.expanduser().is_file():
        yield {MODE: "token"}
    # Any user of this host may listen at the address, and would be sent the token.
    if _is_this_host(host) and is_of_this_user(port) and has_token(Paths.of(settings.data_dir).ray_token):
        yield _own_token(settings)


def _accepts(target: str, question: str, variables: Mapping[str, str]) -> bool:
    """Return False if the cluster refuses this process when it has these variables."""
    grpc = _grpc_utils.grpc
    with _variables(variables), _map_errors(target):
        try:
            with _grpc_utils.init_grpc_channel(target) as channel:
                channel.unary_unary(question)(b"", timeout=_PATIENCE_S)
        except grpc.RpcError as error:
            if error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
                raise
            return error.code() is not grpc.StatusCode.UNAUTHENTICATED
    return True


@contextmanager
def _map_errors(address: str) -> Generator[None]:
    """Raise RayUnavailable or RayRefused in place of the errors of Ray, gRPC and sockets."""
    try:
        yield
    except AuthenticationError as error:  # the file that a variable names cannot be read
        raise RayRefused(address=address, reason=str(error).splitlines()[0].rstrip(".")) from error
    except _grpc_utils.grpc.RpcError as error:
        reason = f"{address} does not answer as Ray does: {error.details() or error.code().name}"
        raise RayUnavailable(reason=reason) from error
    except OSError as error:
        raise RayUnavailable(reason=f"{address}: {error.strerror or error}") from error


def _is_this_host(host: str) -> bool:
    """Return True if the name or address is one of this host: a process here can listen on it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, 0), family=family).close()
    except OSError:
        return False
    return True


@contextmanager
def _variables(changes: Mapping[str, str]) -> Generator[None]:
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    _read_again()
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        _read_again()


def _read_again() -> None:
    _core.Config.initialize("")
    _core.AuthenticationTokenLoader.instance().reset_cache()
    can_span_hosts = _constants.env_bool(NODE_ADDRESS, not _constants.IS_WINDOWS_OR_OSX)
    _constants.ENABLE_RAY_CLUSTER = can_span_hosts
