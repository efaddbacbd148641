"""Another program's package as pip leaves it: modules, and metadata with an entry point."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

SPEC = """
from rapray.analyzers import AnalyzerSpec, Needs

SPEC = AnalyzerSpec({name!r}, "2.0", "{name}_package.code:Class", "Another package's.", Needs({needs}))
"""


def install(
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    name: str,
    *,
    spec: str | None = None,
    code: str | None = None,
    needs: str = "",
    point: str | None = None,
) -> None:
    """Put a package `<name>-dist` with the analyzer `name` where Python finds it.

    Args:
        monkeypatch: takes it away again.
        folder: to write into.
        name: of the analyzer; its modules are `<name>_package.spec` and `<name>_package.code`.
        spec: the source of the module with SPEC.
        code: the source of the module with Class; left out: no such module.
        needs: arguments of its `Needs`.
        point: what its entry point is called, left out: as the analyzer.
    """
    package, metadata = folder / f"{name}_package", folder / f"{name}_dist-1.0.dist-info"
    package.mkdir()
    metadata.mkdir()
    (package / "__init__.py").touch()
    (package / "spec.py").write_text(
        SPEC.format(name=name, needs=needs) if spec is None else spec, encoding="utf-8"
    )
    if code is not None:
        (package / "code.py").write_text(code, encoding="utf-8")
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-dist\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        f"[rapray.analyzers]\n{name if point is None else point} = {name}_package.spec:SPEC\n"
    )
    monkeypatch.syspath_prepend(folder)
    for module in ("", ".spec", ".code"):  # of the test before, which had another package of this name
        sys.modules.pop(f"{name}_package{module}", None)
