"""Which stream output goes to, and that text is printed as it is."""

from __future__ import annotations

import io
import json
import sys

import pytest

from rapray.cli import output

ODD = "/tmp/[bold]x[/bold] [red] :fire: 🔥 שלום"


def test_json_piped_single_line(capsys: pytest.CaptureFixture[str]) -> None:
    """One line for a program, with letters outside ASCII as they are."""
    output.print_json({"title": "Año [Nuevo]\n", "n": [1, None]})
    printed = capsys.readouterr()
    assert printed.out.count("\n") == 1
    assert json.loads(printed.out) == {"title": "Año [Nuevo]\n", "n": [1, None]}
    assert "Año" in printed.out


@pytest.mark.parametrize("encoding", ["ascii", "iso-8859-1", "utf-8"])
def test_json_valid_in_encoding(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    """JSON stays JSON in a terminal that lacks its characters."""
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding=encoding, errors="backslashreplace")
    monkeypatch.setattr(sys, "stdout", stream)
    output.print_json({"title": ODD})
    stream.flush()
    assert json.loads(written.getvalue().decode(encoding)) == {"title": ODD}


def test_notes_keep_brackets(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A path or a title that looks like markup or like the name of an emoji is printed as it is."""
    output.note(ODD)
    output.complain(ODD, code="some_code")
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == f"{ODD}\nerror: {ODD} (some_code)\n"


def test_text_keeps_long_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """A lyric's line is longer than a terminal and stays one line."""
    line = f"{ODD} " * 20
    output.print_text(line, bold=True)
    assert capsys.readouterr().out == f"{line}\n"


def test_table_cells_keep_brackets(capsys: pytest.CaptureFixture[str]) -> None:
    """The same for a table and its title, and None is an empty cell."""
    output.print_table(("what", "found"), [("[b]", None), ("[/b]", 3)], title="[i] :fire:")
    out = capsys.readouterr().out
    assert "[i] :fire:" in out
    assert "[b]" in out
    assert "[/b]" in out
    assert "None" not in out


def test_foreign_prints_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    """What a library prints while a job runs goes to standard error."""
    with output.only_results_on_stdout():
        print("(raylet) trouble")  # noqa: T201 (as a library does)
    output.print_json({})
    assert capsys.readouterr() == ("{}\n", "(raylet) trouble\n")
