"""Loopback ports for the servers: chosen once, kept while nobody else has them.

Does not know which server asks.
"""

from __future__ import annotations

import random
import socket
from collections.abc import Collection

LOOPBACK = "127.0.0.1"
# Above the ports of Ray's workers (10002-19999), below the ephemeral ones (32768 and up): an outgoing connection
# cannot take a server's port while it restarts.
_FIRST, _LAST = 20_000, 32_000


def is_free(port: int) -> bool:
    """True where a server could listen on this port of the loopback now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do: ignore TIME_WAIT
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def choose(preferred: int | None, taken: Collection[int] = ()) -> int:
    """The preferred port if it is free, else another one that is."""
    if preferred is not None and preferred not in taken and is_free(preferred):
        return preferred
    candidates = random.sample(range(_FIRST, _LAST), k=200)
    free = (port for port in candidates if port not in taken and is_free(port))
    found = next(free, None)
    if found is None:
        reason = f"no free port on {LOOPBACK} between {_FIRST} and {_LAST}"
        raise OSError(reason)
    return found
