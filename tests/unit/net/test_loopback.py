"""The loopback interface: its addresses, its free ports, and URLs of servers on this machine."""

from __future__ import annotations

import socket

import pytest

from rapray.net.loopback import LOOPBACK, choose_port, is_free, is_loopback, local_url


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"])
def test_is_loopback_own_addresses(host: str) -> None:
    """Only this machine can reach them."""
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    ["", "0.0.0.0", "::", "10.0.0.1", "::ffff:10.0.0.1", "localhost.evil.example", "127.0.0.1.evil.example"],
)
def test_is_loopback_rejects_others(host: str) -> None:
    """A wildcard listens on every interface, and a name may resolve to anything."""
    assert not is_loopback(host)


def test_choose_port_keeps_free() -> None:
    """A port stays the same from one start to the next."""
    port = choose_port(None)
    assert choose_port(port) == port


def test_choose_port_replaces_taken() -> None:
    """A port that another program has taken meanwhile is not fought for."""
    with socket.socket() as other:
        other.bind((LOOPBACK, 0))
        other.listen()
        taken = other.getsockname()[1]
        assert not is_free(taken)
        assert choose_port(taken) != taken


def test_choose_port_avoids_reserved() -> None:
    """The two servers never get the same port."""
    port = choose_port(None)
    assert choose_port(port, taken=(port,)) != port


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::1", "http://[::1]:8000"),
        ("::", "http://[::1]:8000"),
        ("host.example", "http://host.example:8000"),
    ],
)
def test_local_url_can_be_opened(host: str, url: str) -> None:
    """A wildcard is no address to connect to, and IPv6 needs brackets."""
    assert local_url(host, 8000) == url
