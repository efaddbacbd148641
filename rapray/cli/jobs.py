"""`rapray collect`, `embed`: jobs run from here or by `ray job submit`. (`analyze` has a file of its own.)"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from rapray.cli import state
from rapray.cli.output import complain, note, only_results_on_stdout, print_json
from rapray.errors import UsageError

if TYPE_CHECKING:
    from rapray.pipelines.job import JobReport
    from rapray.store.costs import RunCost

PANEL = "Jobs"
PARTIAL = 3
_NOTHING_USD = 1e-9  # sums of prices leave dust behind

Json = Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")]
Limit = Annotated[int | None, typer.Option(min=1, help="At most this many tracks.")]


def add_to(app: typer.Typer) -> None:
    """Hang the family into the tree."""
    add = app.command(rich_help_panel=PANEL, epilog="Example: rapray collect --artist 'Mara Quill'")
    add(collect)
    app.command(rich_help_panel=PANEL, epilog="Example: rapray embed --limit 1000")(embed)


def collect(
    *,
    artist: Annotated[list[str], typer.Option(help="A name, or an id of the source. Repeatable.")],
    source: Annotated[str, typer.Option(help="Where the songs come from.")] = "genius",
    as_json: Json = False,
) -> None:
    """Find the songs of artists and store the lyrics of those not yet read."""
    from rapray.pipelines.collect import collect as run

    if any(not name.strip() for name in artist):
        raise UsageError(reason="--artist is empty: give a name or an id.")
    report(lambda: run(state.settings(), artist, source=source), as_json)


def embed(*, limit: Limit = None, as_json: Json = False) -> None:
    """Embed every track and section that the configured model has not embedded."""
    from rapray.pipelines.embed import embed as run

    report(lambda: run(state.settings(), limit=limit), as_json)


def report(job: Callable[[], JobReport], as_json: bool) -> None:
    """Run a job and print what it did; exit 3 where something failed or was left, else as what stopped it says."""
    with only_results_on_stdout():
        done = job()
    if as_json:
        print_json({**done.as_json(), "seconds": round(done.seconds, 3)})
    else:
        note(sentence(done))
    for error in done.stopped.values():
        complain(str(error), code=error.code)
    if code := exit_code(done):
        raise typer.Exit(code)


def exit_code(done: JobReport) -> int:
    """0 where all is done, 3 where a part is; where nothing ran at all, the code of the first error that stopped it."""
    if done.stopped and not (done.new or done.failed):
        return next(iter(done.stopped.values())).exit_code
    return PARTIAL if done.failed or done.held or done.stopped else 0


def sentence(done: JobReport) -> str:
    """One line for a person: what is new, what was there, what is missing and why."""
    new = f"{done.new} new" if done.new else "nothing new"
    parts = [f"{done.job}: {new}", f"{done.unchanged} unchanged"]
    if done.rejected:
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(done.rejected.items()))
        parts.append(f"{sum(done.rejected.values())} rejected ({reasons})")
    if done.failed:
        parts.append(f"{done.failed} failed (due again, or dead letters)")
    if done.held:
        parts.append(f"{done.held} left for a later run")
    return "; ".join([", ".join(parts), *map(spent, done.costs), f"{done.seconds:.1f} s"])


def spent(cost: RunCost) -> str:
    """What a run took of one provider; no dollars where there are no prices."""
    usd = f", {cost.cost_usd:.4f} USD" if cost.cost_usd else ""
    open_ = f", {cost.reserved_usd:.4f} USD set aside" if cost.reserved_usd > _NOTHING_USD else ""
    tokens = f"{cost.input_tokens:,} + {cost.output_tokens:,} tokens"
    return f"{cost.provider}: {cost.requests:,} requests, {tokens}{usd}{open_}"
