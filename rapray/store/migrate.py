"""Brings a database to this program's schema, and refuses one that has another.

Knows no table: the migrations are plain SQL in `migrations/sql/`, alembic keeps their order. Alembic is imported only
where it runs: every worker of every job imports this module, and alembic with SQLAlchemy takes 0.3 s of CPU.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import psycopg
from psycopg import AsyncConnection, Connection

from rapray.errors import DatabaseTooNew, DatabaseTooOld, DatabaseUnsuitable
from rapray.store import queries
from rapray.store.pool import address_of, check_server, connect, map_errors

_MIGRATIONS = Path(str(files("rapray.store"))) / "migrations"
_LOCK_KEY = 0x7261_7072_6179  # "rapray"; jobs lock with pairs of 32-bit keys, which never meet this one
_SERVER = queries.load("server")


@dataclass(frozen=True, slots=True)
class Revision:
    """The schema that a database has; `is_known` is False where only a newer program knows it."""

    id: str
    is_known: bool
    is_current: bool


def upgrade(database_url: str) -> str:
    """Applies every outstanding migration, and returns the revision that the database then has.

    Safe to call from several processes at once: the second waits for the first and finds nothing to do.

    Raises:
        DatabaseUnavailable, DatabaseUnsuitable, DatabaseTooNew: nothing was changed then.
    """
    with map_errors(address_of(database_url)), _lock(database_url) as lock:
        check_server(lock)
        _refuse_newer(_revision(lock))
        _run(database_url)
        found = _revision(lock)
    if found != head():
        raise DatabaseTooOld(found=found, needed=head())
    return head()


def current(database_url: str) -> Revision | None:
    """The revision of a database, None where it was never migrated."""
    with (
        map_errors(address_of(database_url)),
        connect(database_url, application_name="rapray db current") as conn,
    ):
        found = _revision(conn)
    if found is None:
        return None
    return Revision(found, is_known=found in _known(), is_current=found == head())


def require_current(conn: Connection) -> None:
    """Refuses a database whose schema is not this program's.

    Raises:
        DatabaseTooOld: an upgrade would mend it.
        DatabaseTooNew: only a newer program would.
    """
    _require(_revision(conn))


async def require_current_async(conn: AsyncConnection) -> None:
    """`require_current` for serving."""
    row = await (await conn.execute(_SERVER["is_migrated"])).fetchone()
    if row is not None and row[0]:
        row = await (await conn.execute(_SERVER["revision"])).fetchone()
        _require(row[0] if row else None)
    else:
        _require(None)


def _require(found: str | None) -> None:
    _refuse_newer(found)
    if found != head():
        raise DatabaseTooOld(found=found or "none", needed=head())


def head() -> str:
    """The newest revision that this program knows."""
    return _known()[0]


def run_sql(name: str) -> None:
    """Runs a file of `migrations/sql/` inside alembic's transaction; for the files of `migrations/versions/`.

    It goes through psycopg itself: SQLAlchemy would read colons and percent signs in it as parameters.
    """
    from alembic import op

    statements = (_MIGRATIONS / "sql" / name).read_bytes()
    driver = op.get_bind().connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    driver.execute(statements)


def _refuse_newer(found: str | None) -> None:
    if found is not None and found not in _known():
        raise DatabaseTooNew(found=found, known=head())


def _revision(conn: Connection) -> str | None:
    row = conn.execute(_SERVER["is_migrated"]).fetchone()
    if row is None or not row[0]:
        return None
    row = conn.execute(_SERVER["revision"]).fetchone()
    return row[0] if row else None


@contextmanager
def _lock(database_url: str) -> Generator[Connection]:
    """Holds the migration lock on a connection of its own: alembic's own session must not hold it."""
    with connect(database_url, application_name="rapray db upgrade (lock)") as conn:
        conn.execute("SELECT pg_advisory_lock(%s)", (_LOCK_KEY,))
        yield conn


def _run(database_url: str) -> None:
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    config = Config()
    # Percent signs are interpolation to the configuration parser that alembic keeps this in.
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(database_url), poolclass=NullPool
    )
    try:
        with _map_errors(), engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()


@contextmanager
def _map_errors() -> Generator[None]:
    """Raise DatabaseUnsuitable if this user may not migrate the database, or the server cannot."""
    try:
        yield
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.FeatureNotSupported) as error:
        raise DatabaseUnsuitable(reason=str(error).strip()) from error


@cache
def _known() -> tuple[str, ...]:
    """Every revision that this program knows, the newest first: the number that each file's name begins with."""
    names = [path.name for path in (_MIGRATIONS / "versions").glob("[0-9]*_*.py")]
    return tuple(sorted((name.partition("_")[0] for name in names), reverse=True))
