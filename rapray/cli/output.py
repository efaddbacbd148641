"""How commands print: results to standard output, everything else to standard error.

Knows no command. `NO_COLOR` and the absence of a terminal are honoured by rich.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

stdout = Console()
stderr = Console(stderr=True)
_UNBOUNDED = 100_000  # characters: wider than any table


def print_json(value: Any) -> None:
    """One JSON document on standard output, readable in a terminal and one line elsewhere."""
    indent = 2 if sys.stdout.isatty() else None
    # Elsewhere than in UTF-8 only JSON's own escapes are sure to be printable.
    is_utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    sys.stdout.write(json.dumps(value, ensure_ascii=not is_utf8, indent=indent, default=str) + "\n")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], title: str | None = None) -> None:
    """Print a table: in a terminal as wide as that, elsewhere as wide as its content."""
    table = Table(*columns, title=title, title_justify="left")
    for row in rows:
        table.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    (stdout if stdout.is_terminal else Console(width=_UNBOUNDED)).print(table)


def note(text: str) -> None:
    """A line for the person at the terminal, on standard error."""
    stderr.print(text, highlight=False, markup=False, soft_wrap=True)


@contextmanager
def only_results_on_stdout() -> Generator[None]:
    """Send to standard error what others print to standard output meanwhile: Ray puts its raylet's troubles there."""
    with redirect_stdout(sys.stderr):
        yield


def complain(text: str, code: str | None = None) -> None:
    """An error, as a sentence and its stable code."""
    suffix = f" [dim]({code})[/dim]" if code else ""
    stderr.print("[bold red]error:[/bold red] ", end="")
    stderr.print(text, highlight=False, markup=False, soft_wrap=True, end="")
    stderr.print(suffix, highlight=False)
