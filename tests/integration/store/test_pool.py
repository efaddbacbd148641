"""Connections, pools and the checks on the server."""

from __future__ import annotations

import socket

import pytest
from psycopg import AsyncConnection, Connection
from psycopg_pool import AsyncConnectionPool

from rapray.config.settings import DatabaseSettings
from rapray.errors import ConnectionBudgetExceeded, DatabaseUnavailable, DeadlineExceeded
from rapray.store import read
from rapray.store.pool import acquired, async_pool, check_budget, check_server, connect
from rapray.store.retry import RetryingConnection


@pytest.mark.parametrize(
    "url", ["postgresql://u:s3cret@127.0.0.1:1/x", "postgresql://u:s3cret@[broken/x", "s3cret"]
)
def test_connect_error_hides_password(url: str) -> None:
    """Whatever is wrong with the address, the message is safe to print."""
    with pytest.raises(DatabaseUnavailable) as caught:
        connect(url, application_name="test")
    assert "s3cret" not in str(caught.value)


def test_connect_wrong_password(database_url: str) -> None:
    """A refused login is told from an unreachable server."""
    user, _, rest = database_url.partition("@")
    wrong = user.rsplit(":", 1)[0] + ":wr0ng@" + rest
    with pytest.raises(DatabaseUnavailable, match="password authentication failed"):
        connect(wrong, application_name="test")


def test_connect_silent_server_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that takes the connection and says nothing is given up, not waited for."""
    monkeypatch.setattr("rapray.store.pool._CONNECT_TIMEOUT_S", 3600)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://u@127.0.0.1:{silent.getsockname()[1]}/x?connect_timeout=2"
        with pytest.raises(DatabaseUnavailable):
            connect(url, application_name="test")


def test_check_server_embedded_passes(conn: Connection) -> None:
    """The server that rapray brings passes its own check."""
    check_server(conn)


def test_check_budget_too_large(conn: Connection) -> None:
    """The error names what is left and the setting to lower."""
    check_budget(conn, 1, "RAPRAY_JOBS__WRITERS")
    with pytest.raises(ConnectionBudgetExceeded, match="RAPRAY_JOBS__WRITERS"):
        check_budget(conn, 100_000, "RAPRAY_JOBS__WRITERS")


async def test_async_pool_search_settings(
    pool: AsyncConnectionPool[AsyncConnection],
) -> None:
    """A misspelt hnsw option would be ignored by the server without a word, so they are looked at."""
    async with acquired(pool) as conn:
        row = await (
            await conn.execute(
                "SELECT current_setting('hnsw.ef_search'), current_setting('hnsw.iterative_scan')"
            )
        ).fetchone()
    assert row == ("100", "relaxed_order")


async def test_async_pool_slow_statement(database_url: str) -> None:
    """A served request never waits longer than the setting says."""
    async with async_pool(database_url, DatabaseSettings(pool_size=1, statement_timeout_s=0.1)) as short:
        with pytest.raises(DeadlineExceeded):
            async with acquired(short) as conn:
                await conn.execute("SELECT pg_sleep(30)")


async def test_async_pool_behind_pgbouncer(database_url: str) -> None:
    """Behind PgBouncer a prepared statement would be on another connection the next time."""
    async with (
        async_pool(database_url, DatabaseSettings(pool_size=1, pgbouncer=True)) as careful,
        acquired(careful) as conn,
    ):
        assert conn.prepare_threshold is None


async def test_async_pool_killed_connections(
    database_url: str, pool: AsyncConnectionPool[AsyncConnection]
) -> None:
    """After a restart of the server the next request gets a fresh connection."""
    await read.server_versions(pool)
    with connect(database_url, application_name="test") as killer:
        killer.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'rapray serve' AND datname = current_database()"
        )
    assert (await read.server_versions(pool))["pgvector"]


def test_retrying_connection_killed_backend(database_url: str, conn: Connection) -> None:
    """A connection that is lost in the middle is opened again, and the transaction repeated."""
    pids: list[int] = []

    def work(own: Connection) -> int:
        pids.append(own.info.backend_pid)
        if len(pids) == 1:
            conn.execute("SELECT pg_terminate_backend(%s, 5000)", (pids[0],))
        return len(own.execute("SELECT 1").fetchall())

    with RetryingConnection(database_url, application_name="test") as retrying:
        assert retrying.run(work) == 1
    assert len(set(pids)) == 2


def test_retrying_connection_gives_up() -> None:
    """The error is the same as for a single connection."""
    with (
        RetryingConnection("postgresql://127.0.0.1:1/x", application_name="test", patience_s=0.3) as retrying,
        pytest.raises(DatabaseUnavailable),
    ):
        retrying.run(lambda own: own)


def test_retrying_connection_sql_error(database_url: str) -> None:
    """What would fail again is raised at once."""
    calls: list[int] = []

    def wrong(own: Connection) -> None:
        calls.append(1)
        own.execute("SELECT nonsense")

    with (
        RetryingConnection(database_url, application_name="test") as retrying,
        pytest.raises(Exception, match="nonsense"),
    ):
        retrying.run(wrong)
    assert len(calls) == 1
