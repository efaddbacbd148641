"""What `rapray --version` and `--help` load: a heavy module there makes every command slow to start."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import typer

from rapray.cli import app

PROGRAM = """
import io, json, sys
before = set(sys.modules)
from rapray.cli import main
sys.stdout = io.StringIO()
for arguments in json.loads(sys.argv[1]):
    try:
        main(arguments)
    except SystemExit as ended:
        assert not ended.code, arguments
assert sys.stdout.getvalue()
sys.__stdout__.write(json.dumps(sorted(set(sys.modules) - before)))
"""
TYPER = {"annotated_doc", "shellingham", "typer"}
RICH = {"attr", "markdown_it", "mdurl", "pygments", "rich"}
# typer checks the options in front of a command's name with pydantic.
PYDANTIC = {"annotated_types", "pydantic", "pydantic_core", "typing_extensions", "typing_inspection"}
OWN = {"rapray", "rapray.errors"}  # and rapray.cli


def _loaded(*command_lines: list[str]) -> tuple[set[str], set[str]]:
    """Run command lines in a new process; return the packages and the modules of rapray that it loaded."""
    program = [sys.executable, "-c", PROGRAM, json.dumps(command_lines)]
    ended = subprocess.run(program, capture_output=True, check=False, text=True)
    assert ended.returncode == 0, ended.stderr
    modules: list[str] = json.loads(ended.stdout)
    packages = {name.partition(".")[0] for name in modules} - sys.stdlib_module_names
    own = {name for name in modules if name.partition(".")[0] == "rapray"}
    return {name for name in packages if not name.startswith("_sysconfigdata")} - {"rapray"}, own


def _helps() -> list[list[str]]:
    """Return the command line of each command's help."""
    root: typer.core.TyperGroup = typer.main.get_group(app)
    groups = {name: getattr(command, "commands", {}) for name, command in root.commands.items()}
    paths = [[name] for name in groups] + [[name, leaf] for name, leaves in groups.items() for leaf in leaves]
    return [[*path, "--help"] for path in paths]


@pytest.mark.parametrize(
    ("command_lines", "allowed"),
    [
        ([["--version"]], TYPER),
        ([["--help"]], TYPER | RICH),
        (_helps(), TYPER | RICH | PYDANTIC),
    ],
    ids=["version", "help", "help of every command"],
)
def test_startup_loads_no_heavy_module(command_lines: list[list[str]], allowed: set[str]) -> None:
    """No numpy, Ray, SQL driver or settings before a command needs them."""
    packages, own = _loaded(*command_lines)
    assert packages - allowed == set()
    assert {name for name in own if not name.startswith("rapray.cli")} - OWN == set()
    # Modules that only some commands need are loaded by those.
    assert "rapray.cli.analyze_file" not in own
