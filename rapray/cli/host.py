"""`rapray doctor`, `up`, `down`, `status` and `ray-env`: what rapray needs and runs on this host."""

from __future__ import annotations

import shlex
from dataclasses import asdict

import typer

from rapray.cli import state
from rapray.cli.options import OPERATE, START, Json
from rapray.cli.output import note, print_json, print_table

UNREACHABLE = 4
commands = typer.Typer()


@commands.command(rich_help_panel=START, epilog="Example: rapray doctor --json")
def doctor(*, as_json: Json = False) -> None:
    """Check what rapray needs on this host; exit 4 if something essential is missing."""
    from rapray.ops.doctor import examine

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


@commands.command(rich_help_panel=OPERATE, epilog="Example: rapray up")
def up() -> None:
    """Start the embedded PostgreSQL and Valkey of the data directory, unless they run already."""
    from rapray import embedded

    settings = state.settings()
    embedded.up(settings)
    note(f"The servers of {settings.data_dir} are up. Stop them with `rapray down`.")


@commands.command(rich_help_panel=OPERATE, epilog="Example: rapray down")
def down() -> None:
    """Stop the embedded servers of the data directory; their data stays."""
    from rapray import embedded

    settings = state.settings()
    stopped = embedded.down(settings.data_dir)
    note(f"The servers of {settings.data_dir} {'are stopped' if stopped else 'were not running'}.")


@commands.command(rich_help_panel=OPERATE, epilog="Example: rapray status --json")
def status(*, as_json: Json = False) -> None:
    """Say which embedded servers run, and where."""
    from rapray import embedded

    servers = embedded.status(state.settings().data_dir)
    if as_json:
        print_json(asdict(servers))
        return
    note(f"{servers.data_dir}: {'up' if servers.is_up else 'not up, `rapray up` starts it'}")
    print_table(
        ("server", "state", "pid", "port", "version", "data", "restarts", "error"),
        [
            (s.name, s.state, s.pid, s.port, s.version, f"{s.data_bytes / 1e6:.1f} MB", s.restarts, s.error)
            for s in servers.servers
        ],
    )


@commands.command(rich_help_panel=OPERATE, epilog="Example: rapray ray-env")
def ray_env() -> None:
    """Print variables for Ray's own commands; use them with: eval "$(rapray ray-env)"

    With them, `ray start`, `ray status` and Ray's other commands use this data directory's token, stay on
    loopback, and keep their files where only this user can read them.
    """
    from rapray.pipelines.ray_environment import shell_variables

    for name, value in shell_variables(state.settings()).items():
        typer.echo(f"export {name}={shlex.quote(value)}")
