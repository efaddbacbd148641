"""`rapray analyze`: the job over the collection, or with `--file` one text and no database at all."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from rapray.analyzers.base import to_json
from rapray.analyzers.registry import create
from rapray.cli import state
from rapray.cli.jobs import Json, Limit, report
from rapray.cli.output import print_json, print_table
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
        list[str] | None, typer.Option("--analyzer", help="Which; repeatable. Default: analyze.analyzers.")
    ] = None,
    limit: Limit = None,
    file: Annotated[
        str | None, typer.Option("--file", help="Analyse this text instead, '-' for standard input.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Analyse every track that has no current result, or one text with --file."""
    if file is not None:
        _analyze_file(file, analyzer, as_json)
        return
    from rapray.pipelines.analyze import analyze as run

    settings = state.settings()
    report(lambda: run(settings, analyzer or settings.analyze.analyzers, limit=limit), as_json)


def _analyze_file(file: str, names: list[str] | None, as_json: bool) -> None:
    settings = state.settings()
    lyric = read_lyric(file, settings.analyze.max_lyrics_chars)
    results = {name: _result(name, lyric) for name in names or settings.analyze.analyzers}
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


def _result(name: str, lyric: Lyric) -> dict[str, Any]:
    (result,) = create(name).analyze([lyric])
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
