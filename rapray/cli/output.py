"""How commands print: results to standard output, notes and errors to standard error.

Rich honours `NO_COLOR` and the lack of a terminal. Only colours, tables and progress bars import it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager, redirect_stdout
from functools import cache
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

_UNBOUNDED = 100_000  # characters: wider than any table


@cache
def stderr() -> Console:
    """Return the console that writes to standard error."""
    from rich.console import Console

    return Console(stderr=True)


def print_json(value: Any) -> None:
    """Print one JSON document to standard output: indented in a terminal, one line elsewhere."""
    indent = 2 if sys.stdout.isatty() else None
    # In any other encoding, only JSON's own escapes are sure to be printable.
    is_utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    sys.stdout.write(json.dumps(value, ensure_ascii=not is_utf8, indent=indent, default=str) + "\n")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], title: str | None = None) -> None:
    """Print a table to standard output: as wide as the terminal, elsewhere as wide as its content."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    heading = None if title is None else Text(title, style="table.title")
    table = Table(*columns, title=heading, title_justify="left")
    for row in rows:
        table.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    console = Console()
    (console if console.is_terminal else Console(width=_UNBOUNDED)).print(table)


def print_text(text: str, *, bold: bool = False) -> None:
    """Print text to standard output exactly as it is, in bold if it goes to a terminal and should stand out."""
    sys.stdout.write((typer.style(text, bold=True) if bold and sys.stdout.isatty() else text) + "\n")


def note(text: str) -> None:
    """Print a line for the user to standard error."""
    sys.stderr.write(text + "\n")


def complain(text: str, code: str | None = None) -> None:
    """Print an error to standard error: a sentence and its stable code."""
    from rich.text import Text

    line = Text.assemble(("error:", "bold red"), f" {text}", (f" ({code})" if code else "", "dim"))
    stderr().print(line, soft_wrap=True)


@contextmanager
def only_results_on_stdout() -> Generator[None]:
    """Send what libraries print to standard error until the block ends: Ray prints its raylet's troubles."""
    with redirect_stdout(sys.stderr):
        yield
