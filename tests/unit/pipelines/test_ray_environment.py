"""Joining an address at which something else than this user's Ray answers."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from rapray.config import Settings
from rapray.embedded.paths import Paths
from rapray.embedded.ray_token import ensure_token
from rapray.errors import RayRefused, RayUnavailable
from rapray.pipelines import ray_environment as module
from rapray.pipelines.ray_environment import ray_environment
from tests.support.stranger import pose_as_ray, stranger, tokens_received


@pytest.fixture(autouse=True)
def without_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator has set no token."""
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def _stay_silent(_: socket.socket) -> None:
    """Read nothing and send nothing."""


@contextmanager
def _server(treat: Callable[[socket.socket], None]) -> Generator[int]:
    """Accept connections, treat each, and keep them until the end; yield the port."""
    connections: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                connection, _ = server.accept()
                if connection.recv(1, socket.MSG_PEEK) == b"q":
                    return
                connections.append(connection)
                treat(connection)

        port = server.getsockname()[1]
        thread = threading.Thread(target=accept)
        thread.start()
        yield port
        with closing(socket.create_connection(("127.0.0.1", port))) as last:
            last.sendall(b"q")
            thread.join(30)
    for connection in connections:
        connection.close()


@pytest.mark.parametrize("treat", [_stay_silent, socket.socket.close])
def test_join_other_server_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, treat: Callable[[socket.socket], None]
) -> None:
    """A server that is silent or not Ray is an error that names the address, not a cluster without a token."""
    monkeypatch.setattr(module, "_PATIENCE_S", 1)
    with _server(treat) as port:
        address = f"127.0.0.1:{port}"
        with (
            pytest.raises(RayUnavailable, match=address),
            ray_environment(Settings(data_dir=tmp_path), address),
        ):
            pass


def test_impostor_gets_no_token(tmp_path: Path) -> None:
    """A server of another user of this host never sees the data directory's token."""
    ensure_token(Paths.of(tmp_path).ray_token)
    with stranger() as nobody:
        address = f"127.0.0.1:{nobody(pose_as_ray, '127.0.0.1')}"
        with pytest.raises(RayRefused, match=address), ray_environment(Settings(data_dir=tmp_path), address):
            pass
        assert nobody(tokens_received) == []
