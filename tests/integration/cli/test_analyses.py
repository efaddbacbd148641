"""`rapray analyses` and `rapray failures` over a small collection, as a user runs them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from psycopg import Connection

from rapray.analyzers.algorithmic import AlgorithmicAnalyzer
from rapray.analyzers.registry import specs
from rapray.cli import main
from rapray.domain import (
    Analysis,
    Artist,
    Failure,
    FetchResult,
    Lyric,
    Outcome,
    Provenance,
    SongRef,
    Track,
)
from rapray.samples.corpus import songs
from rapray.store import analyses, runs, tracks
from rapray.store.pool import connect
from rapray.text.fingerprint import content_hash
from rapray.text.sections import split_sections

Run = Callable[..., Any]


def _fetched(number: int) -> FetchResult:
    song = songs()[number]
    artist = Artist("genius", str(song.artist_id), song.artist)
    url = f"http://127.0.0.1/{song.id}"
    track = Track(
        "genius", str(song.id), song.title, artist, song.lyrics, split_sections(song.lyrics),
        content_hash(song.lyrics), url, language="en", release_year=song.release_date.year,
    )  # fmt: skip
    return FetchResult(SongRef("genius", str(song.id), url, song.title, artist), Outcome.LYRICS, track)


@pytest.fixture
def conn(database_url: str) -> Connection:
    """Four tracks: one done, one failed for good, two untried; and another analyzer's opinion of the first."""
    with connect(database_url, application_name="test") as connection:
        run_id = runs.start(connection, "seed", {})
        tracks.write_fetched(
            connection, run_id, [_fetched(n) for n in range(4)], max_attempts=3, retry_delay_s=1
        )
        rows = connection.execute("SELECT id, lyrics, sections, content_hash, title FROM tracks ORDER BY id")
        first, second, *_ = [
            Lyric(str(key), lyrics, split_sections(lyrics), digest, title)
            for key, lyrics, _, digest, title in rows.fetchall()
        ]
        [result] = AlgorithmicAnalyzer().analyze([first])
        assert isinstance(result, Analysis)
        opinion = replace(
            result, provenance=Provenance("emotion", "0"), data={"counts": {"words": 1}}, embedding=None
        )
        stage = AlgorithmicAnalyzer.provenance.stage
        failed = [Failure(stage, second.key, "analysis_failed", "no luck", second.content_hash)]
        analyses.write_analyses(connection, run_id, [result, opinion], failed=failed, max_attempts=1)
        return connection


@pytest.fixture
def run(database_url: str, conn: Connection, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Run:
    """Runs a command on this test's database; gives what it printed, and the code that it ended with."""
    del conn
    monkeypatch.setenv("RAPRAY_DATABASE__URL", database_url)
    monkeypatch.setenv("RAPRAY_REDIS__ENABLED", "false")

    def call(*arguments: str) -> tuple[Any, int]:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        printed = capsys.readouterr().out
        return (json.loads(printed) if "--json" in arguments and printed else printed), int(
            ended.value.code or 0
        )

    return call


def test_status_counts_every_track(run: Run) -> None:
    """Done, dead and untried add up; what is not set up has a reason and no counts."""
    found, code = run("analyses", "status", "--json")
    assert code == 0
    assert set(found["analyzers"]) == set(specs())
    counts = found["analyzers"]["algorithmic"]
    assert (counts["tracks"], counts["done"], counts["dead"], counts["untried"]) == (4, 1, 1, 2)
    for one in found["analyzers"].values():
        assert ("problem" in one) != ("tracks" in one)


def test_status_lists_provenances(run: Run) -> None:
    """The current one with its results, and those that others have left."""
    found, _ = run("analyses", "status", "--json")
    rules, emotion = (found["analyzers"][name] for name in ("algorithmic", "emotion"))
    assert (rules["digest"], rules["results"]) == (AlgorithmicAnalyzer.provenance.digest, 1)
    assert rules["others"] == []
    assert emotion["results"] == 0
    assert [(other["version"], other["results"]) for other in emotion["others"]] == [("0", 1)]
    printed, _ = run("analyses", "status", "--analyzer", "emotion")
    assert "other" in printed
    assert "algorithmic" not in printed


def test_prune_drops_outdated(run: Run) -> None:
    """Nothing without --yes where nobody can be asked; then what is not current, once."""
    found, code = run("analyses", "prune", "--dry-run", "--json")
    [dropped] = found["provenances"]
    assert (code, found["results"], found["is_dry_run"]) == (0, 1, True)
    assert (dropped["analyzer"], dropped["version"], dropped["results"]) == ("emotion", "0", 1)
    assert run("analyses", "prune")[1] == 2
    assert run("analyses", "prune", "--analyzer", "nobody", "--yes")[1] == 2
    assert (
        run("analyses", "prune", "--analyzer", "qwen", "--yes")[1] != 0
    )  # not set up: nothing of it is outdated
    assert run("analyses", "prune", "--analyzer", "algorithmic", "--yes", "--json")[0]["results"] == 0
    assert "emotion" in run("analyses", "prune", "--yes")[0]
    assert run("analyses", "prune", "--json") == ({"results": 0, "is_dry_run": False, "provenances": []}, 0)


@pytest.mark.parametrize(("answer", "code", "left"), [("n\n", 1, 1), ("y\n", 0, 0)])
def test_prune_asks_at_terminal(
    run: Run, monkeypatch: pytest.MonkeyPatch, answer: str, code: int, left: int
) -> None:
    """Who says no keeps everything."""
    terminal = io.StringIO(answer)
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", terminal)
    assert run("analyses", "prune")[1] == code
    assert run("analyses", "prune", "--dry-run", "--json")[0]["results"] == left


def test_status_where_narrows(run: Run) -> None:
    """The filters are those of `rapray analyze`."""
    arguments = ("analyses", "status", "--analyzer", "algorithmic", "--where", "year>=2100", "--json")
    assert run(*arguments)[0]["analyzers"]["algorithmic"]["tracks"] == 0
    assert run("analyses", "status", "--where", "year is old")[1] == 2
    assert run("analyses", "status", "--where", "artist=Nobody At All")[1] == 2


def test_compare_prints_both_formats(run: Run) -> None:
    """The scores that mean the same in both; an analyzer that nobody knows is a usage error."""
    found, code = run("analyses", "compare", "algorithmic", "emotion", "--json")
    assert (code, found["tracks"]) == (0, 1)
    assert {score["score"] for score in found["scores"]} == {"sentiment"}
    printed, code = run("analyses", "compare", "algorithmic", "emotion")
    assert code == 0
    assert "sentiment" in printed
    assert run("analyses", "compare", "algorithmic", "nobody")[1] == 2


def test_compare_nothing_in_common(run: Run, database_url: str) -> None:
    """No empty tables: the reason stands on standard error."""
    with connect(database_url, application_name="test") as connection:
        connection.execute(
            "UPDATE analysis_results SET data = '{}', sentiment = NULL "
            "FROM provenances p WHERE p.id = provenance_id AND p.analyzer = 'emotion'"
        )
    assert run("analyses", "compare", "algorithmic", "emotion") == ("", 0)


def test_failures_list_and_retry(run: Run) -> None:
    """What is dead is shown with its reason; after `retry` it is due again and no failure any more."""
    [found], code = run("failures", "list", "--stage", "analyze/algorithmic", "--json")
    assert (code, found["code"], found["detail"], found["is_dead"]) == (0, "analysis_failed", "no luck", True)
    assert "no luck" in run("failures", "list")[0]
    assert run("failures", "retry")[1] == 2
    assert run("failures", "retry", "--key", found["key"], "--stage", "embed", "--json")[0] == {
        "due_again": 0
    }
    assert run("failures", "retry", "--key", found["key"], "--json")[0] == {"due_again": 1}
    assert run("failures", "list", "--json")[0] == []
    counts = run("analyses", "status", "--analyzer", "algorithmic", "--json")[0]["analyzers"]["algorithmic"]
    assert (counts["dead"], counts["untried"]) == (0, 3)
