"""`rapray analyze`: the job over the collection, or with `--file` one text and no database at all."""

from __future__ import annotations

from typing import Annotated

import typer

from rapray.analyzers.selection import selected
from rapray.cli import state
from rapray.cli.analyze_file import analyze_file
from rapray.cli.jobs import Json, Limit, report
from rapray.cli.output import note
from rapray.cli.where import HELP, parse
from rapray.config import Settings
from rapray.errors import UsageError


def add_to(app: typer.Typer) -> None:
    """Hang the command into the tree."""
    app.command(rich_help_panel="Jobs", epilog="Example: rapray analyze --file lyrics.txt --json")(analyze)


def analyze(
    *,
    analyzer: Annotated[
        list[str] | None,
        typer.Option(
            "--analyzer", help="Which: a name, several with commas, or all. Default: analyze.analyzers."
        ),
    ] = None,
    limit: Limit = None,
    where: Annotated[list[str] | None, typer.Option("--where", help=HELP)] = None,
    file: Annotated[
        str | None,
        typer.Option("--file", help="Analyse this text instead, plain or LRC; '-' for standard input."),
    ] = None,
    duration: Annotated[
        float | None,
        typer.Option(min=1, max=86_400, help="Of the song of --file, in seconds: for syllables a second."),
    ] = None,
    max_cost: Annotated[
        float | None,
        typer.Option(
            "--max-cost", min=0, help="Most US dollars to spend on each provider. Default: llm.max_cost_usd."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Analyse every track that has no current result, or one text with --file."""
    settings = state.settings()
    wanted = selected(analyzer or settings.analyze.analyzers, settings)
    if file is not None:
        _refuse({"--limit": limit, "--where": where, "--max-cost": max_cost})
        analyze_file(file, wanted, settings, duration_s=duration, as_json=as_json)
        return
    if duration is not None:
        raise UsageError(reason="--duration needs --file: a stored track is analysed as it is stored.")
    from rapray.pipelines.analyze import analyze as run

    named = parse(where or [])
    names, limited = wanted.required(), _limited(settings, max_cost)
    for name, problem in wanted.problems.items():
        note(f"{name} is left out: {problem}")
    report(lambda: run(limited, names, limit=limit, where=named), as_json)


def _refuse(options: dict[str, object]) -> None:
    """Raises UsageError for what narrows or bounds a run over the collection: with one text it would mean nothing."""
    given = [name for name, value in options.items() if value is not None and value != []]
    if given:
        raise UsageError(reason=f"{' and '.join(given)} cannot be used with --file: it analyses one text.")


def _limited(settings: Settings, max_cost: float | None) -> Settings:
    if max_cost is None:
        return settings
    llm = settings.llm.model_copy(update={"max_cost_usd": max_cost})
    return settings.model_copy(update={"llm": llm})
