"""What the doctor says about Ray's token, and where no cluster runs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from rapray.config import Settings
from rapray.embedded.paths import Paths
from rapray.embedded.ray_token import ensure_token
from rapray.ops.doctor_ray import ray_findings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """A data directory and a place for clusters in which there is nothing."""
    with tempfile.TemporaryDirectory(prefix="r-", dir="/tmp") as place:  # pytest's paths are too long
        monkeypatch.setenv("RAY_TMPDIR", place)
        yield Settings(data_dir=tmp_path / "data")


def test_ray_without_cluster_ok(settings: Settings) -> None:
    """Without a cluster the doctor reports no problem and creates no token file."""
    (finding,) = ray_findings(settings)
    assert (finding.state, finding.found) == ("ok", "no cluster of rapray runs here")
    assert not Paths.of(settings.data_dir).ray_token.exists()


def test_ray_exposed_token_fails(settings: Settings) -> None:
    """A token file that other users can read fails the check, and the advice names the file."""
    path = ensure_token(Paths.of(settings.data_dir).ray_token)
    assert len(ray_findings(settings)) == 1
    path.chmod(0o644)
    finding = ray_findings(settings)[0]
    assert (finding.state, finding.found) == ("fail", "ray_token_unusable")
    assert str(path) in finding.advice
