"""`rapray ray-env`: what a shell needs so that Ray's own commands are as safe as rapray's."""

from __future__ import annotations

import shlex

import typer

from rapray.cli import state


def add_to(app: typer.Typer) -> None:
    """Hang the command into the tree."""
    app.command(rich_help_panel="Operate", epilog="Example: rapray ray-env")(ray_env)


def ray_env() -> None:
    """Print variables for Ray's own commands; use them with: eval "$(rapray ray-env)"

    With them, `ray start`, `ray status` and Ray's other commands use this data directory's token, stay on
    loopback, and keep their files where only this user can enter.
    """
    from rapray.pipelines.ray_environment import shell_variables

    for name, value in shell_variables(state.settings()).items():
        typer.echo(f"export {name}={shlex.quote(value)}")
