"""Command lines that are refused before anything runs: exit code 2 and a sentence."""

from __future__ import annotations

import pwd
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize(
    "arguments",
    [
        ("nosuch",),
        ("db", "nosuch"),
        ("track",),
        ("track", "0"),
        ("track", "one"),
        ("artist",),
        ("artist", " "),
        ("collect",),
        ("collect", "--artist", " "),
        ("search",),
        ("search", " "),
        ("search", "x", "--limit", "0"),
        ("search", "x", "--nosuch"),
        ("embed", "--limit", "0"),
        ("serve", "--port", "70000"),
        ("analyze", "--file", "nosuch.txt"),
        ("analyze", "--file", "."),
        ("analyze", "--file", "-", "--analyzer", "nosuch"),
        ("parse",),
        ("parse", "nosuch.html"),
        ("--set", "jobs.workers", "config", "check"),
        ("--set", "jobs.workers=none", "config", "check"),
        ("--set", "jobs.nosuch=1", "config", "check"),
        ("--config", "nosuch.yaml", "config", "check"),
        ("failures", "retry", "--key", "\udcff"),
        ("failures", "list", "--stage=\udcff"),
        ("collect", "--artist", "B\udcfcsra"),
        ("search", "caf\udce9"),
        ("analyze", "--where", "artist=\udcff"),
    ],
    ids=" ".join,
)
def test_bad_usage_exits_2(rapray: Any, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """The reason is on standard error, and no server was started for it."""
    ended = rapray(*arguments, stdin=b"one for the money\n")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.strip()
    assert "Traceback" not in ended.err
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("name", ["RAPRAY_NOSUCH", "RAPRAY_JOBS__NOSUCH", "RAPRAY_JOBS__WORKERS"])
def test_bad_variable_is_named(rapray: Any, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Every command stops and names the variable."""
    monkeypatch.setenv(name, "many")
    for command in (("config", "check"), ("analyze", "--file", "-")):
        ended = rapray(*command, stdin=b"one for the money\n")
        assert ended.code == 2
        key = name.removeprefix("RAPRAY_").lower().replace("__", ".")
        assert name in ended.err or key in ended.err
        assert "environment" in ended.err


@pytest.mark.parametrize("data_dir", [None, "~/rapray"])
def test_missing_home_exits_2(rapray: Any, monkeypatch: pytest.MonkeyPatch, data_dir: str | None) -> None:
    """An account without a home directory, as in some containers, gets an error that says what to set."""

    def no_entry(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", no_entry)
    for name in ("HOME", "XDG_DATA_HOME", "RAPRAY_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    if data_dir is not None:
        monkeypatch.setenv("RAPRAY_DATA_DIR", data_dir)
    ended = rapray("config", "check")
    assert (ended.code, ended.out) == (2, "")
    assert "no home directory" in ended.err
    assert "absolute path" in ended.err


def test_help_with_broken_settings(rapray: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Help and the version work with broken settings."""
    monkeypatch.setenv("RAPRAY_NOSUCH", "1")
    assert rapray("--help").code == 0
    assert rapray("collect", "--help").code == 0
    version = rapray("--version")
    assert version.code == 0
    assert version.out.strip()[0].isdigit()
