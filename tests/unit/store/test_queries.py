"""The named queries."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import rapray.store
from rapray.store import queries

STORE = Path(next(iter(rapray.store.__path__)))
NAMES = sorted(path.stem for path in (STORE / "sql").glob("*.sql"))


@pytest.mark.parametrize("name", NAMES)
def test_queries_are_all_used(name: str) -> None:
    """A query that nobody runs is deleted, and one that is run exists."""
    module = STORE / f"{name}.py"
    source = (
        module.read_text(encoding="utf-8")
        if module.exists()
        else "".join(p.read_text(encoding="utf-8") for p in STORE.glob("*.py"))
    )
    assert set(queries.load(name)) <= set(re.findall(r'"(\w+)"', source))


def test_queries_belong_to_modules() -> None:
    """A file of queries is named after the module that runs them; `server` serves two."""
    assert [name for name in NAMES if not (STORE / f"{name}.py").exists()] == ["server"]
