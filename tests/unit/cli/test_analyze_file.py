"""`rapray analyze --file`: one text without a database, whatever the file holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

VERSE = "[Verse 1]\nI count the cost and cross the coast\nI lost the most and toast the ghost\n"


def _analysis(out: str) -> dict[str, Any]:
    return json.loads(out)["results"]["algorithmic"]["data"]


def test_file_and_stdin_agree(rapray: Any, tmp_path: Path) -> None:
    """A path and `-` give the same JSON; no server is started and no file is left."""
    (tmp_path / "lyrics.txt").write_text(VERSE, encoding="utf-8")
    by_path = rapray("analyze", "--file", "lyrics.txt", "--json")
    by_stream = rapray("analyze", "--file", "-", "--json", stdin=VERSE.encode())
    assert (by_path.code, by_stream.code) == (0, 0)
    assert _analysis(by_path.out) == _analysis(by_stream.out)
    assert not (tmp_path / "data").exists()


def test_synced_file_has_pace(rapray: Any, tmp_path: Path) -> None:
    """An .lrc file: the words of the plain text, and a pace."""
    lrc = "[ar:Ada]\r\n[00:10.00]I count the cost and cross the coast\r\n[00:12.00]I lost the most\r\n"
    (tmp_path / "song.lrc").write_text("\ufeff" + lrc, encoding="utf-8")
    analysis = _analysis(rapray("analyze", "--file", "song.lrc", "--json").out)
    assert analysis["counts"]["words"] == 12
    assert analysis["flow"]["syllables_per_second"] == 4
    assert analysis["flow"]["syllables_per_second_from"] == "synced"


def test_duration_only_for_text(rapray: Any) -> None:
    """Eight syllables in four seconds are two a second; without --file the option is refused."""
    line = b"I count the cost and cross the coast\n"
    analysis = _analysis(rapray("analyze", "--file", "-", "--duration", "4", "--json", stdin=line).out)
    assert (analysis["flow"]["syllables_per_second"], analysis["flow"]["syllables_per_second_from"]) == (
        2,
        "duration",
    )
    assert rapray("analyze", "--duration", "4").code == 2


def test_table_shows_measures(rapray: Any) -> None:
    """Without --json a table with the same measures."""
    ended = rapray("analyze", "--file", "-", stdin=VERSE.encode())
    assert ended.code == 0
    assert "algorithmic" in ended.out
    assert "rhyme" in ended.out


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "lyrics_empty"),
        (b" \n\t\r\n", "lyrics_empty"),
        (b"\x00\x00\n\x00", "lyrics_empty"),
        ("🔥🔥🔥\n😀 ✨".encode(), "lyrics_empty"),
        (b"[Verse 1]\n[Hook]\n", "lyrics_empty"),
        (b"caf\xe9 con leche", "lyrics_invalid"),
        (b"\xff\xfeh\x00i\x00", "lyrics_invalid"),
        (b"la la la la\n" * 90_000, "lyrics_too_long"),
        (b"x" * 16_000_001, "lyrics_invalid"),
    ],
    ids=["nothing", "blanks", "nul", "emoji", "headers", "latin-1", "utf-16", "1 MB", "16 MB"],
)
def test_unusable_text_exits_2(rapray: Any, body: bytes, code: str) -> None:
    """A sentence that says what is wrong, no result, no traceback."""
    ended = rapray("analyze", "--file", "-", "--json", stdin=body)
    assert (ended.code, ended.out) == (2, "")
    assert f"({code})" in ended.err
    assert ended.err.startswith("error: ")
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    "body",
    [
        VERSE.replace(" ", "\x00 ").encode(),
        b"\xef\xbb\xbf" + VERSE.replace("\n", "\r\n").encode(),
        "אני הולך בדרך הארוכה\nוהרוח שרה לי שיר\n".encode(),
        "مرحبا يا صديقي القديم\nالليل طويل\n".encode(),
        ("word " * 20_000).encode(),
        b"x" * 100_000,
        "🔥 fire 🔥 desire 🔥\n".encode(),
    ],
    ids=["nul", "windows", "hebrew", "arabic", "long line", "long word", "emoji and words"],
)
def test_odd_text_is_analysed(rapray: Any, body: bytes) -> None:
    """Exit 0 and JSON that a strict parser accepts: no NaN, no infinity, no NUL."""
    ended = rapray("analyze", "--file", "-", "--json", stdin=body)
    assert (ended.code, ended.err) == (0, "")
    assert "\\u0000" not in ended.out

    def refuse(constant: str) -> None:
        pytest.fail(f"{constant} is not JSON")

    assert json.loads(ended.out, parse_constant=refuse)["results"]


def test_windows_markers_change_nothing(rapray: Any) -> None:
    """A byte order mark and CRLF do not change the content hash."""
    plain = rapray("analyze", "--file", "-", "--json", stdin=VERSE.encode())
    windows = rapray(
        "analyze", "--file", "-", "--json", stdin=b"\xef\xbb\xbf" + VERSE.replace("\n", "\r\n").encode()
    )
    assert json.loads(plain.out)["content_hash"] == json.loads(windows.out)["content_hash"]


def test_all_reports_missing_analyzers(rapray: Any) -> None:
    """As in POST /analyze, an analyzer that is not set up costs the others nothing."""
    ended = rapray("analyze", "--file", "-", "--analyzer", "all", "--json", stdin=VERSE.encode())
    answer = json.loads(ended.out)
    assert {"algorithmic", "emotion"} <= set(answer["results"])
    assert answer["problems"]["gemma"]["code"] == "provider_not_configured"
    assert "RAPRAY_LLM__PROVIDERS__GEMMA__API_KEY" in answer["problems"]["gemma"]["detail"]
    assert ended.code == 0
    assert "gemma" in ended.err


def test_unconfigured_name_exits_3(rapray: Any) -> None:
    """The other result is printed; the exit code says that an analyzer the user named has none."""
    ended = rapray("analyze", "--file", "-", "--analyzer", "qwen,algorithmic", "--json", stdin=VERSE.encode())
    assert (ended.code, list(json.loads(ended.out)["results"])) == (3, ["algorithmic"])


def test_single_failure_exit_code(rapray: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider that does not answer is an unreachable dependency, not a failure on this text."""
    for name, value in {"API_KEY": "k", "BASE_URL": "http://127.0.0.1:1/v1", "MAX_RETRIES": "0"}.items():
        monkeypatch.setenv(f"RAPRAY_LLM__PROVIDERS__QWEN__{name}", value)
    ended = rapray("analyze", "--file", "-", "--analyzer", "qwen", "--json", stdin=VERSE.encode())
    assert (ended.code, ended.out) == (4, "")
    assert "(provider_unavailable)" in ended.err


@pytest.mark.parametrize(
    "options", [("--limit", "3"), ("--where", "language=en"), ("--max-cost", "1")], ids=" ".join
)
def test_job_options_are_refused(rapray: Any, options: tuple[str, str]) -> None:
    """These options have no effect on one text, so they are refused instead of ignored."""
    ended = rapray("analyze", "--file", "-", *options, stdin=VERSE.encode())
    assert (ended.code, ended.out) == (2, "")
    assert options[0] in ended.err
