"""On which TCP ports the processes of a Ray cluster listen, and what keeps strangers out of each.

Everything that Ray lets us bind to loopback is bound there; this module tells what is left.
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
_FIGURES = "open to read: it only publishes figures"
# By the beginning of the process's title, the longer ones first. Who holds the token may run code; the rest may not.
_KINDS: tuple[tuple[str, str, str], ...] = (
    ("gcs_server", "GCS", _ASKS),
    ("raylet", "raylet", _ASKS),
    ("ray::DashboardAgent", "agent", f"{_ASKS}, but for the port that publishes figures"),
    ("ray::RuntimeEnvAgent", "runtime environment agent", _ASKS),
    ("ray::ProxyActor", "HTTP proxy", f"the port of the HTTP API asks for nothing; any other one {_ASKS}"),
    ("ray::ServeReplica", "replica", _ASKS),
    ("ray::", "worker", _ASKS),
    ("ray.util.client.server", "Ray Client", _ASKS),
    ("monitor.py", "autoscaler", _FIGURES),
    ("dashboard.py", "dashboard", f"{_ASKS}, but for the port that publishes figures"),
)
_DRIVER = ("driver", _ASKS)
UNKNOWN = "unknown: it is none of Ray's own processes"


@dataclass(frozen=True, slots=True)
class Listener:
    """A port on which one process accepts connections."""

    pid: int
    process: str
    address: str
    port: int
    protection: str

    @property
    def is_on_loopback(self) -> bool:
        """True where only programs on this host can connect."""
        address = ipaddress.ip_address(self.address)
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        return (mapped or address).is_loopback


def listeners(driver_pid: int) -> list[Listener]:
    """Every port of the process that started a cluster, and of all that were started below it."""
    try:
        driver = psutil.Process(driver_pid)
        processes = [driver, *driver.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
    return [listener for process in processes for listener in _of(process, process == driver)]


def beyond_loopback(driver_pid: int) -> list[Listener]:
    """The ports that other hosts can connect to."""
    return [listener for listener in listeners(driver_pid) if not listener.is_on_loopback]


def log_open_ports() -> None:
    """Say where this process and what it started can be reached from other hosts, and what protects each port."""
    if open_ports := beyond_loopback(os.getpid()):
        log.info("listens_beyond_loopback", ports=described(open_ports))


def described(open_ports: Sequence[Listener]) -> str:
    """One line: ports by process, and what protects them."""
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
    return process.name(), UNKNOWN
