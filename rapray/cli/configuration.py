"""`rapray config`: the settings, and where each value came from."""

from __future__ import annotations

from typing import Annotated

import typer

from rapray.cli import state
from rapray.cli.options import OPERATE, Json
from rapray.cli.output import note, print_json, print_table

commands = typer.Typer(
    name="config", help="Show and check the settings.", no_args_is_help=True, rich_help_panel=OPERATE
)


@commands.command(epilog="Example: rapray config show --origin")
def show(
    *,
    origin: Annotated[bool, typer.Option("--origin", help="Say where each value came from.")] = False,
    as_json: Json = False,
) -> None:
    """Print every setting; secrets show as asterisks."""
    from rapray.config import public_values

    loaded = state.loaded()
    values = public_values(loaded.settings)
    if as_json and origin:
        print_json({k: {"value": v, "origin": str(loaded.origin(k))} for k, v in values.items()})
    elif as_json:
        print_json(values)
    elif origin:
        print_table(("setting", "value", "origin"), [(k, v, loaded.origin(k)) for k, v in values.items()])
    else:
        print_table(("setting", "value"), values.items())


@commands.command(epilog="Example: RAPRAY_ENVIRONMENT=prod rapray config check")
def check() -> None:
    """Exit 0 if the settings are valid; otherwise name every problem and exit 2."""
    loaded = state.loaded()
    environment = loaded.settings.environment
    note(f"The settings are valid ({len(loaded.origins)} set, environment {environment}).")
