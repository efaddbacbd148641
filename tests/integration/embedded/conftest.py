"""A directory for the servers of one test."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from rapray.embedded import down


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A data directory that the servers' account can enter; everything in it is stopped at the end."""
    parent = Path(tempfile.mkdtemp(prefix="rapray-test-"))
    parent.chmod(0o711)
    yield parent / "data"
    down(parent / "data")
    shutil.rmtree(parent)
