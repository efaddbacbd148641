"""Commands whose database goes away while they read: a sentence with exit code 4, and no connection left open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from rapray.cli import main
from rapray.store import due, failures, models
from rapray.store.pool import connect


@pytest.fixture(autouse=True)
def surroundings(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands read this test's database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RAPRAY_DATABASE__URL", database_url)
    monkeypatch.setenv("RAPRAY_REDIS__ENABLED", "false")


@pytest.mark.parametrize(
    ("command", "module", "question"),
    [
        (["analyses", "status", "--analyzer", "algorithmic"], due, "coverage"),
        (["failures", "list"], failures, "list_"),
        (["search", "chess in the park"], models, "find_model"),
        (["db", "index"], models, "find_model"),
    ],
    ids=["analyses", "failures", "search", "index"],
)
def test_lost_database_closes_connection(
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
    module: Any,
    question: str,
) -> None:
    """The server ends the session of a command in its middle."""
    asked, seen = getattr(module, question), list[psycopg.Connection]()

    def end_and_ask(connection: psycopg.Connection, *arguments: Any, **named: Any) -> Any:
        seen.append(connection)
        with connect(database_url, application_name="test") as other:
            other.execute("SELECT pg_terminate_backend(%s)", (connection.info.backend_pid,))
        return asked(connection, *arguments, **named)

    monkeypatch.setattr(module, question, end_and_ask)
    with pytest.raises(SystemExit) as ended:
        main(command)
    assert ended.value.code == 4
    assert "(database_unavailable)" in capsys.readouterr().err
    assert seen[0].closed
