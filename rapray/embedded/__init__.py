"""PostgreSQL and Valkey from wheels, for hosts that have no servers: one supervisor a data directory.

Knows no table and no key; `supervisor.py` is a program of its own and is not imported here.
"""

from rapray.embedded.control import ServerStatus, Status, down, status, up
from rapray.embedded.endpoints import Endpoints, refuse_on_cluster, resolve_endpoints

__all__ = [
    "Endpoints",
    "ServerStatus",
    "Status",
    "down",
    "refuse_on_cluster",
    "resolve_endpoints",
    "status",
    "up",
]
