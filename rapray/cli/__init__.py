"""The `rapray` command: one file for each family of commands; errors become a sentence and an exit code here.

Exit codes: 0 ok, 1 failed, 2 usage, 3 partial, 4 a dependency is unreachable, 130 interrupted.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

import typer

from rapray.cli import (
    analyses,
    analyze,
    collection,
    configuration,
    database,
    demo,
    failures,
    host,
    jobs,
    llm,
    ml,
    pages,
    runs,
    serving,
)
from rapray.cli.output import complain
from rapray.cli.state import root_options
from rapray.errors import RaprayError, UsageError

app = typer.Typer(
    name="rapray",
    help="Collect rap lyrics, measure and analyse every track, and ask questions about the collection.",
    epilog="Example: rapray demo",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.callback()(root_options)
# The help shows the commands in this order, and the panels in the order of their first command.
for family in (
    demo.commands,
    serving.commands,
    jobs.commands,
    analyze.commands,
    collection.commands,
    pages.commands,
    analyses.commands,
    runs.commands,
    host.commands,
    failures.commands,
    pages.samples,
    llm.commands,
    database.commands,
    configuration.commands,
    ml.commands,
):
    # typer takes a group's panel from this call only.
    app.add_typer(family, rich_help_panel=family.rich_help_panel)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command line and exit with its code."""
    # SIGTERM stops a container: end as after Ctrl-C, so that everything this process started is stopped too.
    signal.signal(signal.SIGTERM, _interrupt)
    _escape_unprintable()
    try:
        _require_utf8(sys.argv[1:] if arguments is None else arguments)
        app(args=None if arguments is None else list(arguments))
    except RaprayError as error:
        complain(str(error), code=error.code)
        sys.exit(error.exit_code)


def _require_utf8(arguments: Sequence[str]) -> None:
    """Raise UsageError for an argument that is not text: rapray could neither store, look up nor print it."""
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError as error:
            raise UsageError(reason=_unreadable(os.fsencode(argument))) from error


def _unreadable(argument: bytes) -> str:
    try:
        argument.decode()
    except UnicodeDecodeError:
        return f"The argument {argument!r} is not UTF-8: convert it, for example with iconv."
    encoding = sys.getfilesystemencoding()
    return f"The argument {argument!r} is UTF-8, but the locale expects {encoding}: set LC_ALL=C.UTF-8."


def _escape_unprintable() -> None:
    """Print an escape for a character that the terminal's encoding lacks, instead of failing."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
