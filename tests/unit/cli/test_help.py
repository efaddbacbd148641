"""The help of every command."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from rapray.cli import app


def _leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    children = getattr(command, "commands", None)
    if children is None:
        yield path, command
    for name, child in (children or {}).items():
        yield from _leaves(child, (*path, name))


ROOT = typer.main.get_command(app)
COMMANDS = dict(_leaves(ROOT))


@pytest.fixture(params=COMMANDS, ids=" ".join)
def path(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Return the words that name a command; groups are left out."""
    return request.param


def test_help_ends_with_example(path: tuple[str, ...], rapray: Any) -> None:
    """Exit 0, on standard output, the example last."""
    ended = rapray(*path, "--help")
    assert (ended.code, ended.err) == (0, "")
    last = [line for line in ended.out.splitlines() if line.strip()][-1].strip()
    assert last.startswith("Example: ")
    assert f"rapray {' '.join(path)}" in last


def test_help_examples_are_accepted(path: tuple[str, ...]) -> None:
    """The command has the options and arguments of its example."""
    command = COMMANDS[path]
    words = shlex.split(command.epilog.removeprefix("Example: "))
    arguments = words[words.index("rapray") + 1 + len(path) :]
    context = command.make_context(" ".join(path), arguments)
    assert context.args == []


def test_help_describes_every_option(path: tuple[str, ...]) -> None:
    """The command and each of its options but --limit have a help text."""
    command = COMMANDS[path]
    assert command.help
    options = [parameter.name for parameter in command.params if parameter.param_type_name == "option"]
    assert [name for name in options if name not in _described(command) and name != "limit"] == []


def test_help_root_lists_commands(rapray: Any) -> None:
    """The root's help lists every command, with the demo at the top."""
    ended = rapray("--help")
    assert ended.code == 0
    positions = [ended.out.index(f"│ {path[0]} ") for path in COMMANDS]
    assert min(positions) == ended.out.index("│ demo ")


def test_help_without_arguments(rapray: Any) -> None:
    """`rapray` alone explains itself and is a usage error, as in git."""
    ended = rapray()
    assert ended.code == 2
    assert "Collect rap lyrics" in ended.out + ended.err


def _described(command: Any) -> set[str]:
    return {p.name for p in command.params if getattr(p, "help", None)}
