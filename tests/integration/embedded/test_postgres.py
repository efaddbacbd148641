"""What the embedded PostgreSQL is set to, asked of the server itself."""

from __future__ import annotations

from pathlib import Path

import psycopg

from tests.support.embedded import start


def test_new_cluster_settings(data_dir: Path):
    """Checksums, the built-in C.UTF-8, scram on loopback only, durable commits, and no socket file."""
    with psycopg.connect(start(data_dir).database_url) as connection:
        shown = {
            name: connection.execute("SELECT current_setting(%s)", [name]).fetchone()[0]  # type: ignore[index]
            for name in (
                "data_checksums",
                "password_encryption",
                "listen_addresses",
                "synchronous_commit",
                "unix_socket_directories",
                "server_encoding",
            )
        }
        locale = connection.execute(
            "SELECT datlocprovider, datlocale FROM pg_database WHERE datname = current_database()"
        ).fetchone()
        methods = connection.execute("SELECT DISTINCT auth_method FROM pg_hba_file_rules").fetchall()
    assert shown == {
        "data_checksums": "on",
        "password_encryption": "scram-sha-256",
        "listen_addresses": "127.0.0.1",
        "synchronous_commit": "on",
        "unix_socket_directories": "",
        "server_encoding": "UTF8",
    }
    assert locale == ("b", "C.UTF-8")
    assert methods == [("scram-sha-256",)]
