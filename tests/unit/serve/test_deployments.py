"""A replica of another package's analyzer that breaks its promises; no cluster is needed to see what it answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rapray.config import Settings
from rapray.domain import Failure, Lyric, Provenance
from rapray.errors import AnalysisFailed
from rapray.serve.deployments import AnalyzerReplica
from tests.support.package import install

CODE = """
from rapray.domain import Analysis, Provenance


class Class:
    def __init__(self, settings, name):
        self.provenance = Provenance(name, "2.0")

    def analyze(self, batch):
        return [Analysis(one.key, self.provenance, one.content_hash, {"x": 1}) for one in batch if %s]
"""


def replica(monkeypatch: pytest.MonkeyPatch, folder: Path, condition: str) -> Any:
    """A replica of an analyzer that has a result only for the texts of which this holds."""
    install(monkeypatch, folder, "theirs", code=CODE % condition)
    return AnalyzerReplica.func_or_class("theirs", Settings())


async def test_replica_rejects_foreign_outcome(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The request has a problem with a code, as in a job, and not an error of the program."""
    made = replica(monkeypatch, tmp_path, "one.lyrics != 'hush'")
    found = await made.analyze(Lyric("text", "hush", (), "h"))
    assert isinstance(found, Failure)
    assert (found.stage, found.key, found.code) == (
        Provenance("theirs", "2.0").stage,
        "text",
        "analysis_failed",
    )
    assert (await made.analyze(Lyric("text", "loud", (), "h"))).data == {"x": 1}


def test_broken_replica_never_starts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It would be healthy and of no use to anybody."""
    with pytest.raises(AnalysisFailed, match="0 outcomes"):
        replica(monkeypatch, tmp_path, "False")
