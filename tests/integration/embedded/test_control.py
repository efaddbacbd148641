"""The embedded servers through starts and stops, with the real programs."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

from rapray.config.settings import Settings
from rapray.embedded import down, up
from rapray.embedded.paths import Paths
from tests.support.embedded import REMEMBERED, recall, record_of, remember, running_pids, servers_of, start


def test_down_leaves_no_process(data_dir: Path):
    """`up` reports both servers ready, `down` ends them and withdraws the endpoint; the data stay."""
    found = up(Settings(data_dir=data_dir), owner_pid=os.getpid())
    assert found.is_up
    assert [server.name for server in found.servers] == ["PostgreSQL", "Valkey"]
    assert all(server.version and server.data_bytes > 0 for server in found.servers)
    remember(start(data_dir))
    assert down(data_dir) is True
    assert running_pids(data_dir) == set()
    assert not Paths.of(data_dir).endpoint.exists()
    assert [server.state for server in servers_of(data_dir)] == ["stopped", "stopped"]
    assert down(data_dir) is False
    assert recall(start(data_dir)) == REMEMBERED


def test_restart_keeps_addresses(data_dir: Path):
    """Ports and passwords are chosen once, so that an address in a shell history stays good."""
    first = start(data_dir)
    down(data_dir)
    assert start(data_dir) == first


def test_start_on_taken_port(data_dir: Path):
    """Another program on the old port costs a new port, not the start."""
    first = start(data_dir)
    remember(first)
    port = record_of(data_dir).postgres.port
    down(data_dir)
    with socket.create_server(("127.0.0.1", port)):
        second = start(data_dir)
    assert second.database_url != first.database_url
    assert recall(second) == REMEMBERED


def test_simultaneous_starts_share_supervisor(data_dir: Path):
    """Simultaneous first starts end in one supervisor and one server of each kind."""
    program = (
        "import os, sys; from pathlib import Path; from rapray.config.settings import Settings;"
        "from rapray.embedded import resolve_endpoints, status;"
        f"resolve_endpoints(Settings(data_dir=Path({str(data_dir)!r})), owner_pid={os.getpid()});"
        f"print(status(Path({str(data_dir)!r})).supervisor_pid)"
    )
    clients = [
        subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, encoding="utf-8")
        for _ in range(3)
    ]
    answers = [client.communicate(timeout=240)[0].strip() for client in clients]
    assert [client.returncode for client in clients] == [0, 0, 0]
    assert len(set(answers)) == 1
    assert len(running_pids(data_dir)) == 2
