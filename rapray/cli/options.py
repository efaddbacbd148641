"""What the commands share: the options that several of them have, and the panels of the help."""

from __future__ import annotations

from typing import Annotated

import typer

from rapray.cli.where import HELP

START, JOBS, LOOK, OPERATE, MODELS = "Start here", "Jobs", "Look", "Operate", "Models"

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
JsonCounts = Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")]
Limit = Annotated[int | None, typer.Option(min=1, help="At most this many tracks.")]
Where = Annotated[list[str] | None, typer.Option("--where", help=HELP)]
