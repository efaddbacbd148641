"""`rapray runs`: what the latest jobs did."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from rapray.cli import state
from rapray.cli.jobs import cost_sentence
from rapray.cli.options import OPERATE, Json
from rapray.cli.output import print_json, print_table

if TYPE_CHECKING:
    from rapray.store.costs import RunCost
    from rapray.store.runs import Run

commands = typer.Typer()


@commands.command(rich_help_panel=OPERATE, epilog="Example: rapray runs --limit 5 --json")
def runs(*, limit: Annotated[int, typer.Option(min=1, max=10_000)] = 20, as_json: Json = False) -> None:
    """List what the latest jobs did and what they spent on language models, the newest first."""
    from rapray.store import costs
    from rapray.store import runs as stored_runs

    with state.connected("rapray runs") as connection:
        latest = stored_runs.list_(connection, limit)
        costs_of = costs.of_runs(connection, [run.id for run in latest])
    if as_json:
        print_json([{**asdict(run), "costs": [asdict(cost) for cost in costs_of[run.id]]} for run in latest])
        return
    columns = ("started", "job", "analyzers", "state", "counts", "spent", "error")
    print_table(columns, [_row(run, costs_of[run.id]) for run in latest])


def _row(run: Run, costs: list[RunCost]) -> tuple[str | None, ...]:
    return (
        f"{run.started_at:%Y-%m-%d %H:%M:%S}",
        run.job,
        ", ".join(run.parameters.get("analyzers", ())),
        run.state,
        ", ".join(f"{count} {name}" for name, count in sorted(run.counts.items()) if count),
        "\n".join(map(cost_sentence, costs)),
        run.error,
    )
