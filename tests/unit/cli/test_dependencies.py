"""Commands on servers that do not answer: exit code 4, one sentence, no password."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.serving import free_port

PASSWORD = "h7nt3r"


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> str:
    """A database address where nobody listens."""
    port = free_port()
    monkeypatch.setenv("RAPRAY_DATABASE__URL", f"postgresql://rapray:{PASSWORD}@127.0.0.1:{port}/songs")
    monkeypatch.setenv("RAPRAY_REDIS__ENABLED", "false")
    return f"127.0.0.1:{port}/songs"


@pytest.mark.parametrize(
    "command",
    [
        ("track", "1"),
        ("search", "late trains"),
        ("collect", "--artist", "Mara Quill"),
        ("embed",),
        ("analyze",),
        ("serve",),
        ("db", "upgrade"),
        ("db", "current"),
        ("db", "index"),
    ],
    ids=" ".join,
)
def test_refused_database_is_named(rapray: Any, address: str, command: tuple[str, ...]) -> None:
    """The error names the address, the reason and the variable to check; nothing goes to standard output."""
    ended = rapray(*command)
    assert (ended.code, ended.out) == (4, "")
    (line,) = ended.err.strip().splitlines()
    assert address in line
    assert "Connection refused. Is it running, and is RAPRAY_DATABASE__URL right?" in line
    assert "(database_unavailable)" in line
    assert PASSWORD not in line


def test_doctor_reports_missing_servers(rapray: Any, address: str) -> None:
    """A failed check hides no other finding, and the exit code says that a server is missing."""
    ended = rapray("doctor", "--json")
    assert ended.code == 4
    assert PASSWORD not in ended.out + ended.err
    findings = {finding["subject"]: finding for finding in json.loads(ended.out)}
    assert findings["rapray"]["state"] == "ok"
    assert findings["PostgreSQL"]["state"] == findings["schema"]["state"] == "fail"
    assert address in findings["PostgreSQL"]["advice"]
    assert all(finding["advice"] for finding in findings.values() if finding["state"] != "ok")


@pytest.mark.parametrize("url", ["postgresql://rapray:h7nt3r@", "h7nt3r", "postgresql://a b:h7nt3r@x/y z?=&"])
def test_malformed_address_is_hidden(rapray: Any, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """An address with a typing error is not printed: it holds a password."""
    monkeypatch.setenv("RAPRAY_DATABASE__URL", url)
    monkeypatch.setenv("RAPRAY_REDIS__ENABLED", "false")
    ended = rapray("db", "current")
    assert ended.code in (2, 4)
    assert PASSWORD not in ended.out + ended.err
