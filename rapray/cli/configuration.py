"""`rapray config`: what the settings are and where each came from."""

from __future__ import annotations

from typing import Annotated

import typer

from rapray.cli import state
from rapray.cli.output import note, print_json, print_table
from rapray.config import public_values

commands = typer.Typer(name="config", help="Show and check the settings.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Hang the family into the tree."""
    app.add_typer(commands, rich_help_panel="Operate")


@commands.command(epilog="Example: rapray config show --origin")
def show(
    *,
    origin: Annotated[bool, typer.Option("--origin", help="Say where each value came from.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print every setting; secrets show as asterisks."""
    found = state.loaded()
    values = public_values(found.settings)
    if as_json and origin:
        print_json({k: {"value": v, "origin": str(found.origin(k))} for k, v in values.items()})
    elif as_json:
        print_json(values)
    elif origin:
        print_table(("setting", "value", "origin"), [(k, v, found.origin(k)) for k, v in values.items()])
    else:
        print_table(("setting", "value"), values.items())


@commands.command(epilog="Example: RAPRAY_ENVIRONMENT=prod rapray config check")
def check() -> None:
    """Exit 0 where the settings are valid; name every problem and exit 2 where not."""
    found = state.loaded()
    note(f"The settings are valid ({len(found.origins)} set, environment {found.settings.environment}).")
