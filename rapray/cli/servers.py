"""`rapray up`, `down`, `status`: the embedded servers of this host."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from rapray import embedded
from rapray.cli import state
from rapray.cli.output import note, print_json, print_table

PANEL = "Operate"


def add_to(app: typer.Typer) -> None:
    """Hang the family into the tree."""
    app.command(rich_help_panel=PANEL, epilog="Example: rapray up")(up)
    app.command(rich_help_panel=PANEL, epilog="Example: rapray down")(down)
    app.command(rich_help_panel=PANEL, epilog="Example: rapray status --json")(status)


def up() -> None:
    """Start the embedded PostgreSQL and Valkey of the data directory, or find them running."""
    settings = state.settings()
    embedded.up(settings)
    note(f"The servers of {settings.data_dir} are up. Stop them with `rapray down`.")


def down() -> None:
    """Stop the embedded servers of the data directory; their data stays."""
    settings = state.settings()
    stopped = embedded.down(settings.data_dir)
    note(f"The servers of {settings.data_dir} {'are stopped' if stopped else 'were not running'}.")


def status(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Say which embedded servers run, and where."""
    found = embedded.status(state.settings().data_dir)
    if as_json:
        print_json(asdict(found))
        return
    note(f"{found.data_dir}: {'up' if found.is_up else 'not up, `rapray up` starts it'}")
    print_table(
        ("server", "state", "pid", "port", "version", "data", "restarts", "error"),
        [
            (s.name, s.state, s.pid, s.port, s.version, f"{s.data_bytes / 1e6:.1f} MB", s.restarts, s.error)
            for s in found.servers
        ],
    )
