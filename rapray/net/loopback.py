"""The loopback interface: whether a host is on it, its free ports, and the URL of a server on this machine."""

from __future__ import annotations

import ipaddress
import random
import socket
from collections.abc import Collection

LOOPBACK = "127.0.0.1"
# Above the ports of Ray's workers (10002-19999) and below the ephemeral ones (32768 and up), so that an outgoing
# connection cannot take a server's port while that server restarts.
_FIRST, _LAST = 20_000, 32_000
# A server that listens on every interface is reached through loopback.
_WILDCARDS = {"0.0.0.0": LOOPBACK, "::": "::1"}  # noqa: S104 - compared with, never listened on


def is_loopback(host: str) -> bool:
    """Return True if only this machine can reach `host`: `localhost`, 127.0.0.0/8 or ::1."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def is_free(port: int) -> bool:
    """Return True if a server could listen on this port of the loopback interface now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # servers set it too, and ignore TIME_WAIT
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def choose_port(preferred: int | None, taken: Collection[int] = ()) -> int:
    """Return the preferred port if it is free, otherwise a random free one.

    Args:
        preferred: the port to keep if possible; None if any will do.
        taken: ports to avoid although nobody listens on them yet.

    Raises:
        OSError: no port is free.
    """
    if preferred is not None and preferred not in taken and is_free(preferred):
        return preferred
    for port in random.sample(range(_FIRST, _LAST), k=200):
        if port not in taken and is_free(port):
            return port
    reason = f"no free port on {LOOPBACK} between {_FIRST} and {_LAST}"
    raise OSError(reason)


def local_url(host: str, port: int) -> str:
    """Return the base URL, without a final slash, at which this machine reaches a server that listens on `host`."""
    name = _WILDCARDS.get(host, host)
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"
