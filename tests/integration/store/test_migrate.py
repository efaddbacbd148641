"""Migrations."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import files

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from rapray.errors import DatabaseTooNew, DatabaseTooOld, DatabaseUnavailable
from rapray.store import migrate
from rapray.store.pool import connect


def test_upgrade_empty_database(empty_database_url: str) -> None:
    """An empty database gets the whole schema; again, nothing happens."""
    assert migrate.current(empty_database_url) is None
    assert migrate.upgrade(empty_database_url) == migrate.head()
    assert migrate.upgrade(empty_database_url) == migrate.head()
    assert migrate.current(empty_database_url) == migrate.Revision(
        migrate.head(), is_known=True, is_current=True
    )


def test_upgrade_concurrent_processes(empty_database_url: str) -> None:
    """The second waits for the first."""
    program = "import sys; from rapray.store.migrate import upgrade; print(upgrade(sys.argv[1]))"
    command = [sys.executable, "-c", program, empty_database_url]
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8")
        for _ in range(2)
    ]
    ended = [process.communicate(timeout=240) for process in both]
    assert [(out.strip(), process.returncode) for (out, _), process in zip(ended, both, strict=True)] == [
        (migrate.head(), 0)
    ] * 2, ended
    with connect(empty_database_url, application_name="test") as conn:
        migrate.require_current(conn)


def test_require_current_unmigrated_database(empty_database_url: str) -> None:
    """The message names the command."""
    with (
        connect(empty_database_url, application_name="test") as conn,
        pytest.raises(DatabaseTooOld, match="db upgrade"),
    ):
        migrate.require_current(conn)


def test_require_current_newer_database(database_url: str) -> None:
    """A program never touches a schema that it does not know."""
    with connect(database_url, application_name="test") as conn:
        conn.execute("UPDATE alembic_version SET version_num = '9999'")
        with pytest.raises(DatabaseTooNew, match="9999"):
            migrate.require_current(conn)
        with pytest.raises(DatabaseTooNew):
            migrate.upgrade(database_url)
        found = migrate.current(database_url)
    assert found is not None
    assert not found.is_known


def test_upgrade_error_hides_password() -> None:
    """Nobody listens on port 1."""
    with pytest.raises(DatabaseUnavailable) as caught:
        migrate.upgrade("postgresql://user:s3cret@127.0.0.1:1/rapray")
    assert "127.0.0.1:1/rapray" in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert caught.value.exit_code == 4


def test_revisions_equal_alembic() -> None:
    """The names of the files, which are read without alembic, give the revisions in alembic's order."""
    config = Config()
    config.set_main_option("script_location", str(files("rapray.store") / "migrations"))
    walked = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert list(migrate._known()) == walked
