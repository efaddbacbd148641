"""The passwords of the embedded servers: who can read them."""

from __future__ import annotations

import socket
import stat
import threading
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from rapray.embedded.paths import Paths
from tests.support.embedded import record_of, start


def test_endpoint_files_are_private(data_dir: Path):
    """Both files with passwords have mode 0600."""
    start(data_dir)
    paths = Paths.of(data_dir)
    assert stat.S_IMODE(paths.endpoint.stat().st_mode) == 0o600
    assert stat.S_IMODE(paths.credentials.stat().st_mode) == 0o600


def test_process_list_hides_passwords(data_dir: Path):
    """No command line carries a password, because everybody on the host can read it."""
    start(data_dir)
    credentials = record_of(data_dir).credentials
    lines = b"".join(path.read_bytes() for path in _command_lines())
    assert credentials.postgres_password.encode() not in lines
    assert credentials.valkey_password.encode() not in lines


def _command_lines() -> list[Path]:
    return [path for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]


def test_impostor_gets_no_password(data_dir: Path):
    """Another program on the port that asks for the password in clear is refused, not served."""
    url = start(data_dir).database_url
    with socket.create_server(("127.0.0.1", 0)) as impostor:
        received: list[bytes] = []
        thread = threading.Thread(target=_ask_for_password, args=(impostor, received), daemon=True)
        thread.start()
        address = urlsplit(url)
        forged = address._replace(
            netloc=address.netloc.replace(f":{address.port}", f":{impostor.getsockname()[1]}")
        )
        with pytest.raises(psycopg.OperationalError, match="scram-sha-256"):
            psycopg.connect(urlunsplit(forged), sslmode="disable", gssencmode="disable")
        thread.join(5)
    assert address.password is not None
    assert not any(address.password.encode() in part for part in received)


def _ask_for_password(impostor: socket.socket, received: list[bytes]) -> None:
    connection, _ = impostor.accept()
    with connection:
        received.append(connection.recv(4096))
        connection.sendall(b"R\0\0\0\x08\0\0\0\x03")  # AuthenticationCleartextPassword
        received.append(connection.recv(4096))
