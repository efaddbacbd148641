"""`rapray analyze --file`: one text through the analyzers, without a database.

The output has the form of `POST /analyze`: results beside the problems of the analyzers that have none.
"""

from __future__ import annotations

import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

import typer

from rapray.analyzers.base import to_json
from rapray.analyzers.outcomes import outcomes_of
from rapray.analyzers.registry import create
from rapray.analyzers.selection import Selection
from rapray.cli.output import complain, note, print_json, print_table
from rapray.config import Settings
from rapray.domain import Analysis, Failure, Lyric
from rapray.errors import InvalidLyrics, RaprayError, UsageError, exit_code_of
from rapray.text.cleaning.characters import decode
from rapray.text.submitted import submitted_lyric

READ_LIMIT = 16_000_000  # bytes: the longest text that settings allow, five million characters, in UTF-8
PARTIAL = 3
Problem = dict[str, str]


def analyze_file(
    file: str,
    selection: Selection,
    settings: Settings,
    *,
    duration_s: float | None = None,
    as_json: bool,
) -> None:
    """Print what each analyzer measures in a text, and exit.

    The exit code is 0 if every analyzer that the user named has a result; "all" may leave out those that are not set
    up. It is 3 if only some have a result, and the first problem's own code if none has.

    Raises:
        UsageError, InvalidLyrics: see `read_lyric`.
    """
    lyric = read_lyric(file, settings.analyze.max_lyrics_chars, duration_s)
    outcomes = {name: _outcome(name, lyric, settings) for name in selection.ready} | dict(selection.problems)
    results = {name: to_json(result) for name, result in outcomes.items() if isinstance(result, Analysis)}
    problems = {name: _problem(error) for name, error in outcomes.items() if not isinstance(error, Analysis)}
    left_out = selection.problems.keys() - selection.named if results else set[str]()
    _print_problems(problems, left_out)
    _print_results(lyric, results, problems, as_json=as_json)
    if not results:
        raise typer.Exit(exit_code_of(next(iter(problems.values()))["code"]))
    if problems.keys() - left_out:
        raise typer.Exit(PARTIAL)


def read_lyric(file: str, max_chars: int, duration_s: float | None = None) -> Lyric:
    """Read a lyric, plain or LRC, from a file or from standard input.

    Raises:
        UsageError: the file cannot be read.
        InvalidLyrics: the text is not UTF-8, is empty or is too long.
    """
    raw = decode(_read(file), "standard input" if file == "-" else file)
    return submitted_lyric(file, raw, max_chars, duration_s)


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


def _outcome(name: str, lyric: Lyric, settings: Settings) -> Analysis | Failure | RaprayError:
    try:
        return outcomes_of(create(name, settings), [lyric])[0]
    except RaprayError as error:
        return error


def _problem(error: Failure | RaprayError) -> Problem:
    return {"code": error.code, "detail": error.detail if isinstance(error, Failure) else str(error)}


def _print_problems(problems: dict[str, Problem], left_out: Collection[str]) -> None:
    for name, problem in problems.items():
        if name in left_out:
            note(f"{name} is left out: {problem['detail']}")
        else:
            complain(f"{name}: {problem['detail']}", problem["code"])


def _print_results(
    lyric: Lyric, results: dict[str, dict[str, Any]], problems: dict[str, Problem], *, as_json: bool
) -> None:
    """Print the results to standard output; print nothing there if there are none."""
    if as_json and results:
        about = {"content_hash": lyric.content_hash, "language": lyric.language}
        print_json({**about, "results": results, "problems": problems})
    elif not as_json:
        for name, result in results.items():
            print_table(("measure", "value"), _rows(result["data"]), title=f"{name} {result['version']}")


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
