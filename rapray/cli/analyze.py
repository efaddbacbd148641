"""`rapray analyze`: the job over the collection, or with `--file` one text and no database at all."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from rapray.analyzers.base import to_json
from rapray.analyzers.registry import create, identity
from rapray.analyzers.selection import chosen
from rapray.cli import state
from rapray.cli.jobs import Json, Limit, report
from rapray.cli.output import print_json, print_table
from rapray.cli.where import HELP, parse
from rapray.config import Settings
from rapray.domain import Failure, Lyric
from rapray.errors import AnalysisFailed, InvalidLyrics, UsageError
from rapray.text.clean import checked_lyrics, decode
from rapray.text.fingerprint import content_hash
from rapray.text.language import detect_language
from rapray.text.sections import split_sections

READ_LIMIT = 16_000_000  # a text of five million characters, the most that settings allow, in UTF-8 or longer


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
        str | None, typer.Option("--file", help="Analyse this text instead, '-' for standard input.")
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
    settings = _limited(state.settings(), max_cost)
    names = chosen(analyzer or settings.analyze.analyzers, settings)
    if file is not None:
        _analyze_file(file, names, settings, as_json)
        return
    from rapray.pipelines.analyze import analyze as run

    filters = parse(where or [])
    report(lambda: run(settings, names, limit=limit, where=filters), as_json)


def _limited(settings: Settings, max_cost: float | None) -> Settings:
    if max_cost is None:
        return settings
    llm = settings.llm.model_copy(update={"max_cost_usd": max_cost})
    return settings.model_copy(update={"llm": llm})


def _analyze_file(file: str, names: list[str], settings: Settings, as_json: bool) -> None:
    lyric = read_lyric(file, settings.analyze.max_lyrics_chars)
    results = {name: _result(name, lyric, settings) for name in names}
    if as_json:
        print_json({"content_hash": lyric.content_hash, "language": lyric.language, "results": results})
    else:
        for name, result in results.items():
            print_table(("measure", "value"), _rows(result["data"]), title=f"{name} {result['version']}")


def read_lyric(file: str, max_chars: int) -> Lyric:
    """The text of a file or of standard input as a lyric.

    Raises:
        UsageError: the file cannot be read.
        InvalidLyrics: it is not UTF-8, empty or too long.
    """
    text = checked_lyrics(decode(_read(file), "standard input" if file == "-" else file), max_chars)
    return Lyric(file, text, split_sections(text), content_hash(text), language=detect_language(text))


def _read(file: str) -> bytes:
    try:
        if file == "-":
            body = sys.stdin.buffer.read(READ_LIMIT + 1)
        else:
            with Path(file).open("rb") as stream:
                body = stream.read(READ_LIMIT + 1)
    except OSError as error:
        raise UsageError(reason=f"{file} cannot be read: {error.strerror}") from error
    if len(body) > READ_LIMIT:
        raise InvalidLyrics(reason=f"{file} is longer than {READ_LIMIT} bytes")
    return body


def _result(name: str, lyric: Lyric, settings: Settings) -> dict[str, Any]:
    identity(name, settings)  # one that is not set up says so itself
    (result,) = create(name, settings).analyze([lyric])
    if isinstance(result, Failure):
        raise AnalysisFailed(analyzer=name, reason=result.detail)
    return to_json(result)


def _rows(values: dict[str, Any], prefix: str = "") -> list[tuple[str, object]]:
    rows: list[tuple[str, object]] = []
    for key, value in values.items():
        if isinstance(value, dict):
            rows += _rows(value, f"{prefix}{key}.")
        elif isinstance(value, list):
            rows.append((f"{prefix}{key}", f"{len(value)} entries (see --json)"))
        else:
            rows.append((f"{prefix}{key}", value))
    return rows
