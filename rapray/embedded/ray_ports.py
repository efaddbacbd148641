"""The TCP ports on which the processes of a Ray cluster listen, and what protects each of them.

rapray binds to loopback every port that Ray allows it to; this module finds the ports that are left.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import psutil

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
        address = ipaddress.ip_address(self.address)
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        return (mapped or address).is_loopback


def listeners(driver_pid: int) -> list[Listener]:
    """Return every port of the process that started a cluster and of all its descendants."""
    try:
        driver = psutil.Process(driver_pid)
        processes = [driver, *driver.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
    return [listener for process in processes for listener in _of(process, process == driver)]


def beyond_loopback(driver_pid: int) -> list[Listener]:
    """Return the ports that other hosts can connect to."""
    return [listener for listener in listeners(driver_pid) if not listener.is_on_loopback]


def log_open_ports() -> None:
    """Log which ports of this process and its descendants other hosts can reach, and what protects each."""
    if open_ports := beyond_loopback(os.getpid()):
        tell = log.info if all(port.is_protected for port in open_ports) else log.warning
        tell("listens_beyond_loopback", ports=described(open_ports))


def described(open_ports: Sequence[Listener]) -> str:
    """Return one line that lists ports by process, with what protects them."""
    groups: dict[tuple[str, str], list[int]] = {}
    for listener in open_ports:
        groups.setdefault((listener.process, listener.protection), []).append(listener.port)
    return "; ".join(
        f"{', '.join(map(str, sorted(ports)))} ({process}: {protection})"
        for (process, protection), ports in sorted(groups.items())
    )


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
