"""`rapray failures` and `rapray runs`: what went wrong, trying it again, and what each job did."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from rapray.cli import state
from rapray.cli.jobs import spent
from rapray.cli.output import note, print_json, print_table
from rapray.errors import UsageError
from rapray.store import failures
from rapray.store import runs as stored_runs
from rapray.store.costs import of_runs

commands = typer.Typer(name="failures", help="What failed, and trying it again.", no_args_is_help=True)
Stage = Annotated[
    str | None,
    typer.Option(
        "--stage", help="collect, embed, analyze or one below, e.g. collect/genius or analyze/qwen."
    ),
]
Keys = Annotated[
    list[str] | None, typer.Option("--key", help="A track's id, or a song's id at its source. Repeatable.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_SHOWN_DETAIL = 100


def add_to(app: typer.Typer) -> None:
    """Hang the family into the tree."""
    app.add_typer(commands, rich_help_panel="Operate")
    app.command(rich_help_panel="Operate", epilog="Example: rapray runs --limit 5 --json")(runs)


@commands.command("list", epilog="Example: rapray failures list --stage analyze --all --json")
def list_(
    *,
    stage: Stage = None,
    key: Keys = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also what is tried again by itself; else only what is dead.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000)] = 100,
    as_json: Json = False,
) -> None:
    """List failures, the latest first."""
    with state.connected("rapray failures") as connection:
        found = failures.list_(connection, stage=stage, keys=key, dead_only=not everything, limit=limit)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    rows = [
        (
            one.stage,
            one.key,
            one.code,
            one.attempts,
            "dead" if one.is_dead else "due",
            one.detail[:_SHOWN_DETAIL],
        )
        for one in found
    ]
    print_table(("stage", "key", "code", "attempts", "state", "detail"), rows)


@commands.command(epilog="Example: rapray failures retry --stage analyze/algorithmic")
def retry(
    *,
    stage: Stage = None,
    key: Keys = None,
    everything: Annotated[bool, typer.Option("--all", help="Every dead letter of every stage.")] = False,
    as_json: Json = False,
) -> None:
    """Make what is dead due again, with all its attempts; the next run of its job tries it."""
    if stage is None and key is None and not everything:
        raise UsageError(reason="Say which: --stage, --key or --all.")
    with state.connected("rapray failures") as connection:
        revived = failures.retry(connection, stage=stage, keys=key)
    if as_json:
        print_json({"due_again": revived})
    else:
        note(f"{revived} due again.")


def runs(*, limit: Annotated[int, typer.Option(min=1, max=10_000)] = 20, as_json: Json = False) -> None:
    """List what the latest jobs did and what they took of language models, the newest first."""
    with state.connected("rapray runs") as connection:
        found = stored_runs.list_(connection, limit)
        costs = of_runs(connection, [run.id for run in found])
    if as_json:
        print_json([{**asdict(run), "costs": [asdict(cost) for cost in costs[run.id]]} for run in found])
        return
    rows = [
        (
            f"{run.started_at:%Y-%m-%d %H:%M:%S}",
            run.job,
            ", ".join(run.parameters.get("analyzers", ())),
            run.state,
            _counted(run),
            "\n".join(map(spent, costs[run.id])),
            run.error,
        )
        for run in found
    ]
    print_table(("started", "job", "analyzers", "state", "counts", "spent", "error"), rows)


def _counted(run: stored_runs.Run) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(run.counts.items()) if count)
