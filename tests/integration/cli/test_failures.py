"""`rapray failures` and `rapray runs` on a real database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rapray.cli import main
from rapray.domain import Failure
from rapray.store import failures, runs
from rapray.store.costs import RunBudget
from rapray.store.pool import connect


@pytest.fixture(autouse=True)
def letters(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dead letter, a failure that is due again, a finished run; the command reads this database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RAPRAY_DATABASE__URL", database_url)
    monkeypatch.setenv("RAPRAY_REDIS__ENABLED", "false")
    with connect(database_url, application_name="test") as conn:
        failures.record(conn, [Failure("embed/x", "7", "lyrics_empty", "no word")], max_attempts=1)
        failures.record(conn, [Failure("embed/x", "8", "embedding_failed", "odd")], max_attempts=3)
        run_id = runs.start(conn, "embed", {})
        runs.finish(conn, run_id, "partial", {"failed": 2})
    budget = RunBudget(database_url, run_id, None)
    budget.settle(budget.reserve("qwen", 0.5), cost_usd=0.25, input_tokens=1000, output_tokens=20)


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """The JSON that a command prints; it must exit 0."""
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--json"])
    assert ended.value.code == 0
    return json.loads(capsys.readouterr().out)


def test_failures_list_dead_letters(capsys: pytest.CaptureFixture[str]) -> None:
    """What is due again by itself is left out until it is asked for."""
    assert [letter["key"] for letter in printed(capsys, "failures", "list")] == ["7"]
    every = {letter["key"]: letter["is_dead"] for letter in printed(capsys, "failures", "list", "--all")}
    assert every == {"7": True, "8": False}


def test_failures_retry_makes_due(capsys: pytest.CaptureFixture[str]) -> None:
    """After it there is no dead letter left; the failure that was due stays."""
    with pytest.raises(SystemExit) as ended:
        main(["failures", "retry", "--stage", "embed/x"])
    assert ended.value.code == 0
    assert [letter["key"] for letter in printed(capsys, "failures", "list", "--all")] == ["8"]


def test_failures_retry_needs_choice() -> None:
    """Nobody revives everything by forgetting an option."""
    with pytest.raises(SystemExit) as ended:
        main(["failures", "retry"])
    assert ended.value.code == 2


def test_runs_lists_job_results(capsys: pytest.CaptureFixture[str]) -> None:
    """Job, end and counts of each run."""
    [run] = printed(capsys, "runs")
    assert (run["job"], run["state"], run["counts"]) == ("embed", "partial", {"failed": 2})
    [cost] = run["costs"]
    assert (cost["provider"], cost["requests"], cost["input_tokens"], cost["cost_usd"]) == (
        "qwen",
        1,
        1000,
        0.25,
    )
    with pytest.raises(SystemExit):
        main(["runs"])
    shown = " ".join(capsys.readouterr().out.split())
    assert "1,000 + 20" in shown


def test_runs_separates_analyzers(database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Two may stand side by side: which is which is in the table and in the JSON."""
    with connect(database_url, application_name="test") as conn:
        for analyzers in (["qwen"], ["algorithmic", "emotion"]):
            runs.start(conn, "analyze", {"analyzers": analyzers, "limit": None})
    asked = [run["parameters"].get("analyzers") for run in printed(capsys, "runs")]
    assert asked == [["algorithmic", "emotion"], ["qwen"], None]
    with pytest.raises(SystemExit):
        main(["runs"])
    shown = capsys.readouterr().out
    assert "algorithmic, emotion" in shown
    assert shown.count("qwen") == 2  # the run of it, and what the other took of the provider
