"""Opens connections to PostgreSQL, one at a time for jobs and pooled for serving, and checks the server.

`map_errors` turns what psycopg raises into rapray's errors.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import psycopg
from pgvector.psycopg import register_vector, register_vector_async
from psycopg import AsyncConnection, Connection, sql
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests

from rapray.config.settings import DatabaseSettings
from rapray.errors import (
    ConnectionBudgetExceeded,
    DatabaseUnavailable,
    DatabaseUnsuitable,
    DeadlineExceeded,
    Overloaded,
)
from rapray.store import queries

MIN_SERVER_VERSION = 150_000
MIN_PGVECTOR = (0, 8, 4)  # before it, HNSW indexes could be corrupted by vacuum
RESERVED_CONNECTIONS = 5  # left to people: psql, backups, a second look
EF_SEARCH = 100
_CHECK_S = 5
_CONNECT_TIMEOUT_S = 10
_SERVER = queries.load("server")
# A dead peer is noticed within about a minute and a half; the defaults of Linux take over two hours.
_KEEPALIVES: dict[str, Any] = {
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 6,
}
_SEARCH_SETTINGS = {"hnsw.ef_search": str(EF_SEARCH), "hnsw.iterative_scan": "relaxed_order"}
_LOST_STATES = frozenset(
    {"57P01", "57P02", "57P03", "57P05"}
)  # shut down, crashed, starting up, idle too long


def address_of(database_url: str) -> str:
    """`host:port/name` of a database address; never the user or the password."""
    try:
        parts = conninfo_to_dict(database_url)
    except psycopg.ProgrammingError:
        return "an address that cannot be read"
    host = parts.get("host") or parts.get("hostaddr") or "local socket"
    return f"{host}:{parts.get('port') or 5432}/{parts.get('dbname') or ''}"


def is_connection_lost(error: BaseException) -> bool:
    """True where the server or the way to it went away, so that a new connection may succeed."""
    if isinstance(error, psycopg.InterfaceError):
        return "closed" in str(error)
    if not isinstance(error, psycopg.OperationalError):
        return False
    state = error.sqlstate
    return state is None or state.startswith("08") or state in _LOST_STATES


@contextmanager
def map_errors(address: str = "the configured address", *, writes: bool = False) -> Generator[None]:
    """Raise rapray's errors in place of psycopg's. Works around blocking and awaiting code alike.

    Args:
        address: of the server, see `address_of`.
        writes: for callers to whom a full disk or a server that is read-only is an outage: map every other error of
            psycopg too, instead of letting it pass.

    Raises:
        DatabaseUnavailable: the connection was refused or lost, or none became free.
        DeadlineExceeded: a statement took too long.
        Overloaded: too many callers wait for a connection.
    """
    try:
        yield
    except psycopg.errors.QueryCanceled as error:
        raise DeadlineExceeded(what="PostgreSQL", limit="database.statement_timeout_s") from error
    except TooManyRequests as error:
        raise Overloaded(what="The database pool", retry_after_s=1) from error
    except PoolTimeout as error:
        raise DatabaseUnavailable(address=address, reason="no connection became free in time") from error
    except psycopg.Error as error:
        if is_connection_lost(error):
            raise DatabaseUnavailable(address=address, reason=_reason(error)) from error
        if writes:
            raise DatabaseUnavailable(address=address, reason=f"it takes no writes: {error}") from error
        raise


def _reason(error: BaseException) -> str:
    """The last line that tells something: libpq adds a question to a refused connection."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if not line.endswith("?")] or lines
    return told[-1].rpartition(" failed: ")[2].rstrip(".") if told else type(error).__name__


def connect(database_url: str, *, application_name: str) -> Connection:
    """A connection for a job. An address without a `connect_timeout` gets one of 10 seconds.

    It is in autocommit mode, so that a read never leaves a transaction open behind it and every
    `conn.transaction()` of the store is a real one that commits at its end.

    Raises:
        DatabaseUnavailable: names the address and the reason, never the password.
    """
    with map_errors(address_of(database_url)):
        try:
            return psycopg.connect(
                database_url,
                autocommit=True,
                application_name=application_name,
                connect_timeout=conninfo_to_dict(database_url).get("connect_timeout", _CONNECT_TIMEOUT_S),
                **_KEEPALIVES,
            )
        except psycopg.ProgrammingError as error:
            # libpq quotes the address in this message, and the password with it.
            raise DatabaseUnavailable(
                address=address_of(database_url), reason="it is no valid address"
            ) from error


def know_vectors(conn: Connection) -> None:
    """Teaches a connection pgvector's types, once. The extension must be there."""
    if conn.adapters.types.get("halfvec") is None:
        register_vector(conn)


def async_pool(database_url: str, settings: DatabaseSettings) -> AsyncConnectionPool[AsyncConnection]:
    """A pool for serving, not opened yet: open it inside the replica's event loop, and never pickle it.

    Behind PgBouncer in transaction mode a session's settings belong to nobody, so none are made there: set
    `statement_timeout` on the role. Search makes its own for each transaction.
    """

    async def configure(conn: AsyncConnection) -> None:
        await register_vector_async(conn)
        if settings.pgbouncer:
            conn.prepare_threshold = None
            return
        await conn.execute(
            "SELECT '[1]'::vector"
        )  # loads the library: before, hnsw.* would be unchecked text
        wanted = {"statement_timeout": f"{round(settings.statement_timeout_s * 1000)}ms", **_SEARCH_SETTINGS}
        for name, value in wanted.items():
            await conn.execute(
                sql.SQL("SET {} = {}").format(sql.SQL(".").join(_dotted(name)), sql.Literal(value))
            )
        await _assert_search_settings(conn)

    async def check(conn: AsyncConnection) -> None:
        # A stopped server's kernel still acknowledges: without a clock of our own this would wait for ever.
        async with asyncio.timeout(min(_CHECK_S, settings.connect_timeout_s)):
            await AsyncConnectionPool.check_connection(conn)

    return AsyncConnectionPool(
        database_url,
        min_size=1,
        max_size=settings.pool_size,
        open=False,
        configure=configure,
        check=check,
        timeout=settings.connect_timeout_s,
        max_waiting=settings.pool_size * 10,
        kwargs={
            "autocommit": True,
            "application_name": "rapray serve",
            "connect_timeout": max(2, round(settings.connect_timeout_s)),
            **_KEEPALIVES,
        },
        name="rapray",
    )


@asynccontextmanager
async def acquired(pool: AsyncConnectionPool[AsyncConnection]) -> AsyncGenerator[AsyncConnection]:
    """Lend a connection of the pool for the time of the block, and map its errors.

    Raises:
        DatabaseUnavailable, DeadlineExceeded, Overloaded: see `map_errors`.
    """
    conninfo = pool.conninfo
    with map_errors(address_of(conninfo) if isinstance(conninfo, str) else "the configured address"):
        async with pool.connection() as conn:
            yield conn


def _dotted(name: str) -> list[sql.Identifier]:
    return [sql.Identifier(part) for part in name.split(".")]


async def _assert_search_settings(conn: AsyncConnection) -> None:
    for name, wanted in _SEARCH_SETTINGS.items():
        row = await (await conn.execute("SELECT current_setting(%s)", (name,))).fetchone()
        if row is None or row[0] != wanted:
            raise DatabaseUnsuitable(reason=f"{name} is {row and row[0]!r} and should be {wanted!r}")


def check_server(conn: Connection) -> None:
    """Refuses a server that is too old for rapray, or whose pgvector is.

    Raises:
        DatabaseUnsuitable: says what was found and what is needed.
    """
    if conn.info.server_version < MIN_SERVER_VERSION:
        found = conn.info.server_version // 10_000
        raise DatabaseUnsuitable(
            reason=f"it is PostgreSQL {found}, rapray needs {MIN_SERVER_VERSION // 10_000} or newer"
        )
    row = conn.execute(_SERVER["pgvector_versions"]).fetchone()
    installed, available = (row[0] or "", row[1] or "") if row else ("", "")
    needed = ".".join(map(str, MIN_PGVECTOR))
    if not installed and not available:
        raise DatabaseUnsuitable(
            reason=f"pgvector is not installed on its host; rapray needs {needed} or newer"
        )
    if _version(installed or available) >= MIN_PGVECTOR:
        return
    if installed and available and _version(available) >= MIN_PGVECTOR:
        raise DatabaseUnsuitable(reason=f"it uses pgvector {installed}: run ALTER EXTENSION vector UPDATE")
    raise DatabaseUnsuitable(
        reason=f"it has pgvector {installed or available}, rapray needs {needed} or newer"
    )


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdigit())


def check_budget(conn: Connection, needed: int, setting: str) -> None:
    """Refuses to start what would use up the server's connections.

    `needed` counts connections that are not open yet; those of others are counted as they are now.

    Raises:
        ConnectionBudgetExceeded: names `setting`, the one to lower.
    """
    row = conn.execute(_SERVER["free_connections"]).fetchone()
    available = (row[0] if row else 0) - RESERVED_CONNECTIONS
    if needed > available:
        raise ConnectionBudgetExceeded(needed=needed, available=max(available, 0), setting=setting)
