"""The TCP ports on which the processes of a Ray cluster listen, and what protects each of them.

rapray binds to loopback every port that Ray allows it to; this module finds the ports that are left.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psutil

from rapray.net.loopback import is_loopback
from rapray.telemetry import logger

log = logger(__name__)

_ASKS = "asks for Ray's token"
_FIGURES = "open to everybody, but it only publishes figures"
_STORE = "asks for no token: torch's key-value store listens on every interface, so close it with a firewall"
# Processes by the beginning of their title, the longer ones first. Only a holder of the token may run code.
_KINDS: tuple[tuple[str, str, str], ...] = (
    ("gcs_server", "GCS", _ASKS),
    ("raylet", "raylet", _ASKS),
    ("ray::DashboardAgent", "agent", f"{_ASKS}, except on the port that publishes figures"),
    ("ray::RuntimeEnvAgent", "runtime environment agent", _ASKS),
    ("ray::ProxyActor", "HTTP proxy", f"the port of the HTTP API asks for no token; any other port {_ASKS}"),
    ("ray::ServeReplica", "replica", _ASKS),
    ("ray::", "worker", _ASKS),
    ("ray.util.client.server", "Ray Client", _ASKS),
    ("VLLM::", "language model", _STORE),
    ("monitor.py", "autoscaler", _FIGURES),
    ("dashboard.py", "dashboard", f"{_ASKS}, except on the port that publishes figures"),
)
_DRIVER = ("driver", _ASKS)
# How the programs of a cluster that was started by `ray start` end, as the system lists their arguments.
_SERVERS = (
    "/gcs_server",
    "/raylet",
    "ray.util.client.server",
    "/ray/dashboard/dashboard.py",
    "/ray/autoscaler/_private/monitor.py",
)
_UNKNOWN = "unknown: this is not one of Ray's own processes"


@dataclass(frozen=True, slots=True)
class Listener:
    """A port on which one process accepts connections."""

    pid: int
    process: str
    address: str
    port: int
    protection: str

    @property
    def is_protected(self) -> bool:
        """False if a stranger may do more than read figures, or if nothing is known about the process."""
        return self.protection not in (_STORE, _UNKNOWN)

    @property
    def is_on_loopback(self) -> bool:
        """True if only programs on this host can connect."""
        return is_loopback(self.address)


def listeners(driver_pid: int) -> list[Listener]:
    """Return every port of the process that started a cluster and of all its descendants."""
    return [port for process in _tree(driver_pid) for port in _of(process, process.pid == driver_pid)]


def other_listeners(driver_pids: Iterable[int]) -> list[Listener]:
    """Return the ports of this user's other Ray processes, such as those of `ray start`.

    Args:
        driver_pids: processes whose clusters are left out.
    """
    left_out = {process.pid for pid in driver_pids for process in _tree(pid)}
    servers = [process.pid for process in psutil.process_iter() if _is_server_of_ours(process)]
    others = {
        process.pid: process for pid in servers for process in _tree(pid) if process.pid not in left_out
    }
    return [listener for process in others.values() for listener in _of(process, is_driver=False)]


def beyond_loopback(ports: Iterable[Listener]) -> list[Listener]:
    """Return the ports that other hosts can connect to."""
    return [listener for listener in ports if not listener.is_on_loopback]


def is_of_this_user(port: int) -> bool:
    """Return True if processes of this user listen at the port on this host, and nobody else does at any address."""
    pids = list(_pids_at(port))
    return bool(pids) and all(pid is not None and _is_ours(pid) for pid in pids)


def log_open_ports() -> None:
    """Log which ports of this process and its descendants other hosts can reach, and what protects each."""
    if open_ports := beyond_loopback(listeners(os.getpid())):
        log_at_level = log.info if all(port.is_protected for port in open_ports) else log.warning
        log_at_level("listens_beyond_loopback", ports=described(open_ports))


def described(open_ports: Sequence[Listener]) -> str:
    """Return one line that lists ports by process, with what protects them."""
    groups: dict[tuple[str, str], list[int]] = {}
    for listener in open_ports:
        groups.setdefault((listener.process, listener.protection), []).append(listener.port)
    return "; ".join(
        f"{', '.join(map(str, sorted(ports)))} ({process}: {protection})"
        for (process, protection), ports in sorted(groups.items())
    )


def _tree(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _is_ours(pid: int) -> bool:
    try:
        return psutil.Process(pid).uids().effective == os.geteuid()
    except psutil.Error:
        return False


def _is_server_of_ours(process: psutil.Process) -> bool:
    """Return True for a process of this user that serves a Ray cluster and is no child of its raylet."""
    try:
        arguments = process.cmdline()[:4]
    except psutil.Error:
        return False
    return any(argument.endswith(_SERVERS) for argument in arguments) and _is_ours(process.pid)


def _pids_at(port: int) -> Iterator[int | None]:
    """Yield the process of each socket that accepts connections at the port; None if it is not to be seen."""
    try:
        connections = [(connection.pid, connection) for connection in psutil.net_connections("tcp")]
    except psutil.AccessDenied:  # macOS shows each user only the sockets of the user's own processes
        connections = [
            (process.pid, own) for process in psutil.process_iter() for own in _connections(process)
        ]
    for pid, connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port:
            yield pid


def _connections(process: psutil.Process) -> Sequence[Any]:
    try:
        return process.net_connections("tcp")
    except psutil.Error:
        return []


def _of(process: psutil.Process, is_driver: bool) -> Iterator[Listener]:
    try:
        name, protection = _DRIVER if is_driver else _kind(process)
        for connection in process.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN:
                address, port = connection.laddr
                yield Listener(process.pid, name, address, port, protection)
    except psutil.Error:
        return  # it has ended


def _kind(process: psutil.Process) -> tuple[str, str]:
    titles = [process.name(), *(argument.rpartition("/")[2] for argument in process.cmdline()[:4])]
    for start, name, protection in _KINDS:
        if any(title.startswith(start) for title in titles):
            return name, protection
    return process.name(), _UNKNOWN
