"""Who listens at a port, and which processes belong to a Ray that rapray did not start."""

from __future__ import annotations

import socket

from rapray.embedded.ray_ports import is_of_this_user
from tests.support.serving import free_port
from tests.support.stranger import listen, stranger


def test_port_own_listener() -> None:
    """A port is this user's while a process of this user listens at it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert is_of_this_user(server.getsockname()[1])
    assert not is_of_this_user(free_port())


def test_port_of_another_user() -> None:
    """A port at which another user listens is not ours, even if we listen at it on another address."""
    with stranger() as nobody:
        port = nobody(listen, "127.0.0.1")
        assert not is_of_this_user(port)
        with socket.create_server(("127.0.0.2", port)):
            assert not is_of_this_user(port)
