"""`rapray doctor`: what is up, which versions, and what to do where something is not."""

from __future__ import annotations

from typing import Annotated

import typer

from rapray.cli import state
from rapray.cli.output import print_json, print_table
from rapray.ops.doctor import examine

UNREACHABLE = 4


def add_to(app: typer.Typer) -> None:
    """Hang the command into the tree."""
    app.command(rich_help_panel="Start here", epilog="Example: rapray doctor --json")(doctor)


def doctor(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Look at everything rapray needs on this host; exit 4 where something that it needs is missing."""
    findings = examine(state.settings())
    if as_json:
        print_json([finding.as_json() for finding in findings])
    else:
        print_table(
            ("", "what", "found", "to do"),
            [(finding.state, finding.subject, finding.summary, finding.advice) for finding in findings],
        )
    if any(finding.state == "fail" for finding in findings):
        raise typer.Exit(UNREACHABLE)
