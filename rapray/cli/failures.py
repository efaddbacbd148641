"""`rapray failures` and `rapray runs`: what went wrong, trying it again, and what each job did."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated

import typer
from psycopg import Connection

from rapray.cli import state
from rapray.cli.output import note, print_json, print_table
from rapray.embedded import resolve_endpoints
from rapray.errors import UsageError
from rapray.store import failures, migrate
from rapray.store import runs as stored_runs
from rapray.store.pool import address_of, connect, translated

PANEL = "Operate"
commands = typer.Typer(name="failures", help="Failures and dead letters of jobs.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Stage = Annotated[str | None, typer.Option(help="Of this stage alone, e.g. collect/genius.")]


def add_to(app: typer.Typer) -> None:
    """Hang the family into the tree."""
    app.add_typer(commands, rich_help_panel=PANEL)
    app.command(rich_help_panel=PANEL, epilog="Example: rapray runs --limit 5 --json")(runs)


@commands.command("list", epilog="Example: rapray failures list --stage collect/genius --json")
def list_(
    *,
    stage: Stage = None,
    every: Annotated[
        bool, typer.Option("--all", help="Also those that are due again by themselves.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000)] = 100,
    as_json: Json = False,
) -> None:
    """List dead letters, the latest first: what will not be tried again, and why."""
    with _connected() as connection:
        found = failures.list_(connection, stage=stage, dead_only=not every, limit=limit)
    if as_json:
        print_json([asdict(letter) for letter in found])
    elif found:
        rows = [(d.stage, d.key, d.code, d.attempts, "dead" if d.is_dead else "due", d.detail) for d in found]
        print_table(("stage", "key", "code", "attempts", "state", "detail"), rows)
    else:
        note("There are none.")


@commands.command(epilog="Example: rapray failures retry --stage collect/genius --key 3039923")
def retry(
    *,
    stage: Stage = None,
    key: Annotated[list[str] | None, typer.Option(help="Of this key alone; repeatable.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every dead letter of every stage.")] = False,
) -> None:
    """Make dead letters due again, with all their attempts; the next run of the job tries them."""
    if stage is None and not key and not every:
        raise UsageError(reason="Say which: --stage, --key, or --all.")
    with _connected() as connection:
        revived = failures.retry(connection, stage=stage, keys=key or None)
    note(f"{revived} due again.")


def runs(*, limit: Annotated[int, typer.Option(min=1, max=10_000)] = 20, as_json: Json = False) -> None:
    """List what the latest jobs did, the newest first."""
    with _connected() as connection:
        found = stored_runs.list_(connection, limit)
    if as_json:
        print_json([asdict(run) for run in found])
        return
    rows = [(f"{r.started_at:%Y-%m-%d %H:%M:%S}", r.job, r.state, _counted(r), r.error) for r in found]
    print_table(("started", "job", "state", "counts", "error"), rows)


def _counted(run: stored_runs.Run) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(run.counts.items()) if count)


@contextmanager
def _connected() -> Generator[Connection]:
    url = resolve_endpoints(state.settings()).database_url
    with translated(address_of(url)), connect(url, application_name="rapray failures") as connection:
        migrate.require_current(connection)
        yield connection
