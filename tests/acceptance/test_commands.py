"""Commands as processes: exit codes, the two streams, a terminal, real servers that refuse.

What a command does with odd input is tested inside one process, in tests/unit/cli.
"""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import psycopg
import pytest

from rapray.samples.site import SampleSite
from tests.support.commands import environment, run
from tests.support.serving import free_port

COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-8]|9[0-7])(?:;\d+)*m")
Rapray = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def rapray(tmp_path: Path) -> Rapray:
    """`rapray("track", "1", RAPRAY_…="…")` in an empty folder."""

    def call(*arguments: str, stdin: bytes = b"", **variables: str) -> subprocess.CompletedProcess[str]:
        env = environment(RAPRAY_DATA_DIR=str(tmp_path / "data"), **variables)
        return run(*arguments, env=env, cwd=tmp_path, stdin=stdin)

    return call


@pytest.fixture
def collection(database_url: str, redis_url: str) -> dict[str, str]:
    """Variables that lead to an empty collection."""
    return {"RAPRAY_DATABASE__URL": database_url, "RAPRAY_REDIS__URL": redis_url}


@pytest.fixture
def genius(collection: dict[str, str]) -> Iterator[dict[str, str]]:
    """Variables that lead to an empty collection and to the sample site."""
    with SampleSite() as site:
        yield {
            **collection,
            "RAPRAY_GENIUS__API_URL": f"{site.url}/api",
            "RAPRAY_GENIUS__WEB_URL": site.url,
            "RAPRAY_GENIUS__TOKEN": site.token,
            "RAPRAY_GENIUS__REQUESTS_PER_SECOND": "50",
        }


def one_sentence(done: subprocess.CompletedProcess[str], exit_code: int, error_code: str) -> str:
    """The complaint of a command that printed nothing else; log lines may stand before it."""
    assert (done.returncode, done.stdout) == (exit_code, ""), done.stderr[-2000:]
    assert "Traceback" not in done.stderr
    complaint = done.stderr.strip().splitlines()[-1]
    assert complaint.startswith("error: ")
    assert complaint.endswith(f"({error_code})")
    return complaint


def test_version_matches_package(rapray: Rapray) -> None:
    """On standard output, alone."""
    done = rapray("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{version('rapray')}\n", "")


def test_console_script_matches_module(rapray: Rapray) -> None:
    """`rapray` on the path says what `python -m rapray.cli` says."""
    script = subprocess.run(["rapray", "--version"], env=environment(), capture_output=True, check=True)
    assert script.stdout.decode() == rapray("--version").stdout


def test_unknown_names_exit_2(rapray: Rapray) -> None:
    """Both name what they do not know; nothing is on standard output."""
    command = rapray("colect")
    assert (command.returncode, command.stdout) == (2, "")
    assert "colect" in command.stderr
    setting = rapray("up", RAPRAY_DATABASE__ULR="postgresql://rapray:h7nt3r@db/x")
    assert (setting.returncode, setting.stdout) == (2, "")
    assert "RAPRAY_DATABASE__ULR" in setting.stderr
    assert "h7nt3r" not in setting.stderr
    assert "Traceback" not in command.stderr + setting.stderr


def test_refused_database_exits_4(rapray: Rapray) -> None:
    """One sentence with the address."""
    address = f"127.0.0.1:{free_port()}"
    url = f"postgresql://rapray:h7nt3r@{address}/songs"
    done = rapray("track", "1", RAPRAY_DATABASE__URL=url, RAPRAY_REDIS__ENABLED="false")
    assert address in one_sentence(done, 4, "database_unavailable")
    assert "h7nt3r" not in done.stderr


def test_wrong_database_password_hidden(rapray: Rapray, database_url: str) -> None:
    """The server's reason, not the address with its password."""
    url = re.sub(r"(://[^:]+:)[^@]+@", r"\1h7nt3r@", database_url)
    done = rapray("track", "1", RAPRAY_DATABASE__URL=url, RAPRAY_REDIS__ENABLED="false")
    assert "password authentication failed" in one_sentence(done, 4, "database_unavailable")
    assert "h7nt3r" not in done.stderr


def test_db_upgrade_reaches_schema(rapray: Rapray, empty_database_url: str) -> None:
    """Before it every command says what to do; the second upgrade finds nothing to do."""
    empty = {"RAPRAY_DATABASE__URL": empty_database_url, "RAPRAY_REDIS__ENABLED": "false"}
    assert "rapray db upgrade" in one_sentence(rapray("track", "1", **empty), 4, "database_too_old")
    for _ in range(2):
        assert rapray("db", "upgrade", **empty).returncode == 0
    current = json.loads(rapray("db", "current", "--json", **empty).stdout)
    assert current["is_current"]
    assert current["schema"] == current["program"]
    one_sentence(rapray("track", "1", **empty), 1, "track_not_found")


@pytest.mark.parametrize("command", [("db", "upgrade"), ("track", "1"), ("embed",)], ids=" ".join)
def test_newer_database_is_refused(
    rapray: Rapray, collection: dict[str, str], command: tuple[str, ...]
) -> None:
    """Reading, writing and migrating: nothing touches a schema that only a newer program knows."""
    with psycopg.connect(collection["RAPRAY_DATABASE__URL"], autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        complaint = one_sentence(rapray(*command, **collection), 4, "database_too_new")
        assert "9999" in complaint
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("9999",)]


def test_wrong_token_exits_4(rapray: Rapray, genius: dict[str, str]) -> None:
    """The source refuses the credentials: what to check is said, the token is not."""
    wrong = {**genius, "RAPRAY_GENIUS__TOKEN": "h7nt3r"}
    done = rapray("collect", "--artist", "Mara Quill", **wrong)
    assert "RAPRAY_GENIUS__TOKEN" in one_sentence(done, 4, "source_auth")
    assert "h7nt3r" not in done.stderr


def test_unknown_artist_exits_1(rapray: Rapray, genius: dict[str, str]) -> None:
    """A typing error in one name costs nothing: the others are not begun."""
    done = rapray("collect", "--artist", "Mara Quill", "--artist", "Nobody Of That Name", "--json", **genius)
    assert "Nobody Of That Name" in one_sentence(done, 1, "source_artist_not_found")
    with psycopg.connect(genius["RAPRAY_DATABASE__URL"]) as connection:
        assert connection.execute("SELECT count(*) FROM crawl").fetchone() == (0,)
        assert connection.execute("SELECT state FROM runs").fetchall() == [("failed",)]


def test_unreachable_source_exits_4(rapray: Rapray, genius: dict[str, str]) -> None:
    """The address of an API that refuses connections is named."""
    port = free_port()
    gone = {**genius, "RAPRAY_GENIUS__API_URL": f"http://127.0.0.1:{port}", "RAPRAY_GENIUS__MAX_RETRIES": "0"}
    done = rapray("collect", "--artist", "Mara Quill", **gone)
    assert str(port) in one_sentence(done, 4, "source_unavailable")


def test_unreachable_ray_exits_4(rapray: Rapray, genius: dict[str, str]) -> None:
    """A job and the ingress; Ray's own patience of minutes is not waited for. What was discovered stays due."""
    address = f"127.0.0.1:{free_port()}"
    job = rapray("collect", "--artist", "Mara Quill", **genius, RAPRAY_RAY__ADDRESS=address)
    assert address in one_sentence(job, 4, "ray_unavailable")
    ingress = rapray("serve", **genius, RAPRAY_RAY__ADDRESS=f"ray://{address}")
    assert address in one_sentence(ingress, 4, "ray_unavailable")
    with psycopg.connect(genius["RAPRAY_DATABASE__URL"]) as connection:
        assert connection.execute("SELECT count(*) > 0 FROM crawl WHERE state = 'due'").fetchone() == (True,)


def test_empty_collection_does_nothing(rapray: Rapray, collection: dict[str, str]) -> None:
    """Exit 0 and zero counts as JSON alone, without starting Ray."""
    for job in ("embed", "analyze"):
        done = rapray(job, "--json", **collection)
        assert done.returncode == 0, done.stderr
        counts = json.loads(done.stdout)
        assert {name: counts[name] for name in ("new", "unchanged", "failed")} == {
            "new": 0,
            "unchanged": 0,
            "failed": 0,
        }


def test_stdin_analysis_prints_json(rapray: Rapray) -> None:
    """Through real streams, in UTF-8 whatever the locale says."""
    text = "I count the cost – and cross the coast\nAño nuevo, שלום\n".encode()
    done = rapray("analyze", "--file", "-", "--json", stdin=text, LC_ALL="C")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["results"]["algorithmic"]
    assert done.stdout.count("\n") == 1


def test_invalid_utf8_exits_2(rapray: Rapray) -> None:
    """Where it goes wrong is said."""
    done = rapray("analyze", "--file", "-", stdin=b"caf\xe9")
    assert "offset 3" in one_sentence(done, 2, "lyrics_invalid")


@pytest.mark.parametrize("no_color", [False, True])
def test_terminal_colour_respects_setting(tmp_path: Path, no_color: bool) -> None:
    """A complaint is red in a terminal; NO_COLOR takes the colour and leaves the words."""
    variables = {"NO_COLOR": "1"} if no_color else {}
    env = environment(RAPRAY_DATA_DIR=str(tmp_path / "data"), TERM="xterm-256color", **variables)
    if not no_color:
        env.pop("NO_COLOR", None)
    code, said = _in_a_terminal(["parse", "nosuch.html"], env, tmp_path)
    assert code == 2
    assert "nosuch.html cannot be read" in said
    assert bool(COLOUR.search(said)) is not no_color


def test_ascii_locale_escapes_output(tmp_path: Path) -> None:
    """In an ASCII locale output is escaped, and a non-ASCII argument is refused with the locale to set."""
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    env = environment(RAPRAY_DATA_DIR=str(tmp_path / "data"), **ascii_only)
    done = run("analyze", "--file", "-", env=env, stdin="[Verse: Büşra]\nnight – light 🔥".encode())
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii()
    refused = run("parse", "Büşra.html", env=env)
    assert "LC_ALL=C.UTF-8" in one_sentence(refused, 2, "usage")


def test_closed_pipe_ends_quietly(tmp_path: Path) -> None:
    """`rapray config show --json | head -c 1`: no traceback."""
    done = subprocess.run(
        ["bash", "-c", "rapray config show --json | head -c 1"],
        env=environment(RAPRAY_DATA_DIR=str(tmp_path)),
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == (b"{", b"")


def _in_a_terminal(arguments: list[str], env: dict[str, str], cwd: Path) -> tuple[int, str]:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "rapray.cli", *arguments], env=env, cwd=cwd, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    said = b""
    while True:
        try:
            said += (piece := os.read(ours, 4096))
        except OSError:  # Linux's way to say that nobody holds the other end any more
            break
        if not piece:
            break
    os.close(ours)
    return process.wait(60), said.decode()
