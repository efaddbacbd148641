"""`rapray collect` and `embed`, and how every job is run and reported."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from rapray.cli import state
from rapray.cli.options import JOBS, JsonCounts, Limit
from rapray.cli.output import complain, note, only_results_on_stdout, print_json
from rapray.errors import UsageError

if TYPE_CHECKING:
    from rapray.pipelines.job import JobReport
    from rapray.store.costs import RunCost

PARTIAL = 3
_NOTHING_USD = 1e-9  # sums of prices leave rounding errors behind
commands = typer.Typer()


@commands.command(rich_help_panel=JOBS, epilog="Example: rapray collect --artist 'Mara Quill'")
def collect(
    *,
    artist: Annotated[list[str], typer.Option(help="A name, or the source's id of an artist. Repeatable.")],
    source: Annotated[str, typer.Option(help="Where the songs come from.")] = "genius",
    as_json: JsonCounts = False,
) -> None:
    """Find the songs of artists and store the lyrics of those not yet read."""
    from rapray.pipelines.collect import collect as run

    if any(not name.strip() for name in artist):
        raise UsageError(reason="--artist is empty: write a name or an id.")
    run_job(lambda: run(state.settings(), artist, source=source), as_json)


@commands.command(rich_help_panel=JOBS, epilog="Example: rapray embed --limit 1000")
def embed(*, limit: Limit = None, as_json: JsonCounts = False) -> None:
    """Embed every track and section that the configured model has not embedded."""
    from rapray.pipelines.embed import embed as run

    run_job(lambda: run(state.settings(), limit=limit), as_json)


def run_job(job: Callable[[], JobReport], as_json: bool) -> None:
    """Run a job, print its report, and exit with its code; see `exit_code`."""
    with only_results_on_stdout():
        report = job()
    if as_json:
        print_json({**report.as_json(), "seconds": round(report.seconds, 3)})
    else:
        note(sentence(report))
    for error in report.stopped.values():
        complain(str(error), code=error.code)
    if code := exit_code(report):
        raise typer.Exit(code)


def exit_code(report: JobReport) -> int:
    """Return 0 if the job did everything and 3 if it did a part.

    If an error stopped it before it did anything, return the code of the first such error.
    """
    if report.stopped and not (report.new or report.failed):
        return next(iter(report.stopped.values())).exit_code
    return PARTIAL if report.failed or report.held or report.stopped else 0


def sentence(report: JobReport) -> str:
    """Return one line for a person: what is new, what was there before, and what is missing and why."""
    new = f"{report.new} new" if report.new else "nothing new"
    parts = [f"{report.job}: {new}", f"{report.unchanged} unchanged"]
    if report.rejected:
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(report.rejected.items()))
        parts.append(f"{sum(report.rejected.values())} rejected ({reasons})")
    if report.failed:
        parts.append(f"{report.failed} failed (due again, or dead letters)")
    if report.held:
        parts.append(f"{report.held} left for a later run")
    return "; ".join([", ".join(parts), *map(cost_sentence, report.costs), f"{report.seconds:.1f} s"])


def cost_sentence(cost: RunCost) -> str:
    """Return what a run used of one provider, with dollars if the provider has prices."""
    usd = f", {cost.cost_usd:.4f} USD" if cost.cost_usd else ""
    reserved = f", {cost.reserved_usd:.4f} USD set aside" if cost.reserved_usd > _NOTHING_USD else ""
    tokens = f"{cost.input_tokens:,} + {cost.output_tokens:,} tokens"
    return f"{cost.provider}: {cost.requests:,} requests, {tokens}{usd}{reserved}"
