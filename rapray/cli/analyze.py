"""`rapray analyze`: the job over the collection, or with `--file` one text and no database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from rapray.cli import state
from rapray.cli.jobs import run_job
from rapray.cli.options import JOBS, JsonCounts, Limit, Where
from rapray.cli.output import note
from rapray.cli.where import parse
from rapray.errors import UsageError

if TYPE_CHECKING:
    from rapray.config import Settings

commands = typer.Typer()


@commands.command(rich_help_panel=JOBS, epilog="Example: rapray analyze --file lyrics.txt --json")
def analyze(
    *,
    analyzer: Annotated[
        list[str] | None,
        typer.Option(
            "--analyzer",
            help="A name, several separated by commas, or all. Repeatable. Default: analyze.analyzers.",
        ),
    ] = None,
    limit: Limit = None,
    where: Where = None,
    file: Annotated[
        str | None,
        typer.Option("--file", help="Analyse this text instead, plain or LRC; '-' for standard input."),
    ] = None,
    duration: Annotated[
        float | None,
        typer.Option(
            min=1, max=86_400, help="Length of the song of --file in seconds, for syllables a second."
        ),
    ] = None,
    max_cost: Annotated[
        float | None,
        typer.Option(
            "--max-cost", min=0, help="Most US dollars to spend on each provider. Default: llm.max_cost_usd."
        ),
    ] = None,
    as_json: JsonCounts = False,
) -> None:
    """Analyse every track that has no current result, or one text with --file."""
    from rapray.analyzers.selection import selected

    settings = state.settings()
    selection = selected(analyzer or settings.analyze.analyzers, settings)
    if file is not None:
        _refuse({"--limit": limit, "--where": where, "--max-cost": max_cost})
        from rapray.cli.analyze_file import analyze_file

        analyze_file(file, selection, settings, duration_s=duration, as_json=as_json)
        return
    if duration is not None:
        raise UsageError(reason="--duration needs --file: it is the length of the song in that file.")
    from rapray.pipelines.analyze import analyze as run

    scope = parse(where or [])
    names, limited = selection.required(), _limited(settings, max_cost)
    for name, problem in selection.problems.items():
        note(f"{name} is left out: {problem}")
    run_job(lambda: run(limited, names, limit=limit, where=scope), as_json)


def _refuse(options: dict[str, object]) -> None:
    """Raise UsageError if an option is set that only a run over the collection has."""
    names = [name for name, value in options.items() if value is not None and value != []]
    if names:
        raise UsageError(reason=f"{' and '.join(names)} cannot be used with --file, which analyses one text.")


def _limited(settings: Settings, max_cost: float | None) -> Settings:
    if max_cost is None:
        return settings
    llm = settings.llm.model_copy(update={"max_cost_usd": max_cost})
    return settings.model_copy(update={"llm": llm})
