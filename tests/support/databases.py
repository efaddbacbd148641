"""Databases on the embedded servers of a test run."""

from __future__ import annotations

from importlib.resources import files
from urllib.parse import urlsplit, urlunsplit

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool


def create_database(server_url: str, name: str, template: str = "template1") -> str:
    """Create a database and return its URL."""
    execute(server_url, f"CREATE DATABASE {name} TEMPLATE {template}")
    return with_database(server_url, name)


def migrate_to(url: str, revision: str) -> None:
    """Apply the migrations of an empty database up to a revision, as a program of that time did."""
    config = Config()
    config.set_main_option("script_location", str(files("rapray.store") / "migrations"))
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url), poolclass=NullPool)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def with_database(server_url: str, name: str | int) -> str:
    """Return the URL of another database of the same server: PostgreSQL's have names, Redis's numbers."""
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))


def drop_database(server_url: str, name: str) -> None:
    """Drop a database, and end every connection to it."""
    execute(server_url, f"DROP DATABASE {name} WITH (FORCE)")


def execute(url: str, statement: str) -> None:
    """Run one statement outside a transaction."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())
