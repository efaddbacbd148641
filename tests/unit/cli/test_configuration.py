"""`rapray config`: every setting and its origin, but no secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rapray.config import Settings, public_values

SECRET = "h7nt3r-and-more"


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set every secret setting."""
    monkeypatch.setenv("RAPRAY_DATABASE__URL", f"postgresql://rapray:{SECRET}@db.example:5432/rapray")
    monkeypatch.setenv("RAPRAY_REDIS__URL", f"redis://:{SECRET}@cache.example:6379/0")
    monkeypatch.setenv("RAPRAY_GENIUS__TOKEN", SECRET)


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize("options", [(), ("--origin",), ("--json",), ("--origin", "--json")], ids=str)
def test_show_hides_secrets(rapray: Any, options: tuple[str, ...]) -> None:
    """Every form of output shows asterisks for a secret that is set."""
    ended = rapray("config", "show", *options)
    assert ended.code == 0
    assert SECRET not in ended.out + ended.err
    assert ended.out.count("***") >= 3


def test_show_json_every_setting(rapray: Any) -> None:
    """The keys are those of `Settings`, the values as they are used."""
    values = json.loads(rapray("--set", "jobs.workers=7", "config", "show", "--json").out)
    assert set(values) == set(public_values(Settings()))
    assert values["jobs.workers"] == 7


def test_show_origin_names_source(rapray: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Command line over environment over file, each with its place."""
    (tmp_path / "rapray.yaml").write_text("jobs:\n  workers: 3\n  writers: 3\n  fetchers: 3\n")
    monkeypatch.setenv("RAPRAY_JOBS__WORKERS", "4")
    monkeypatch.setenv("RAPRAY_JOBS__WRITERS", "4")
    ended = rapray("--set", "jobs.workers=5", "config", "show", "--origin", "--json")
    values = json.loads(ended.out)
    assert values["jobs.workers"] == {"value": 5, "origin": "command line"}
    assert values["jobs.writers"] == {"value": 4, "origin": "environment RAPRAY_JOBS__WRITERS"}
    assert values["jobs.fetchers"] == {"value": 3, "origin": f"file {tmp_path / 'rapray.yaml'}:4"}
    assert values["jobs.max_attempts"]["origin"] == "default"


def test_check_valid_exits_0(rapray: Any) -> None:
    """Only standard error says that the settings are valid."""
    ended = rapray("config", "check")
    assert (ended.code, ended.out) == (0, "")
    assert "valid" in ended.err


@pytest.mark.usefixtures("secrets")
def test_check_lists_every_problem(rapray: Any, tmp_path: Path) -> None:
    """All problems are listed at once, so that a file can be mended in one go."""
    (tmp_path / "rapray.yaml").write_text(f"jobs:\n  workers: {SECRET}\nserve:\n  port: 0\nnosuch: 1\n")
    ended = rapray("config", "check")
    assert ended.code == 2
    for expected in ("jobs.workers", "serve.port", "nosuch", "rapray.yaml:2"):
        assert expected in ended.err
    assert SECRET not in ended.err
