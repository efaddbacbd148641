"""How a job's report is told, to a person, to a program and as an exit code."""

from __future__ import annotations

import json
import re

import pytest
import typer

from rapray.cli.jobs import run_job, sentence
from rapray.errors import ModelUnavailable, RaprayError, RunPaused
from rapray.pipelines.job import JobReport
from rapray.store.costs import RunCost

DONE = JobReport(
    "collect", new=3, unchanged=4, failed=0, seconds=1.25, rejected={"unreleased": 2, "blocked": 1}
)
PARTIAL = JobReport("embed", new=0, unchanged=4, failed=2, seconds=0.5)


def test_sentence_names_nonzero_counts() -> None:
    """Reasons in alphabetical order; nothing new is said in words."""
    assert sentence(DONE) == "collect: 3 new, 4 unchanged, 3 rejected (1 blocked, 2 unreleased); 1.2 s"
    assert re.fullmatch(r"embed: nothing new, 4 unchanged, 2 failed .+; 0\.5 s", sentence(PARTIAL))


def test_report_json_counts_only(capsys: pytest.CaptureFixture[str]) -> None:
    """Ray writes to standard output too; a program that reads ours must not see it."""

    def job() -> JobReport:
        print("(raylet) something")  # noqa: T201 (as a library does)
        return DONE

    run_job(job, as_json=True)
    said = capsys.readouterr()
    assert json.loads(said.out) == {**DONE.as_json(), "seconds": 1.25}
    assert "(raylet)" in said.err


COST = RunCost("mine", 12, 1200, 600, 0.0024, 0.0)
HELD = RunPaused(analyzer="mine", count=9, reason="9 cost_limit")


def analyzed(*, new: int, **stopped: RaprayError) -> JobReport:
    """A report of two analyzers, of which some have stopped."""
    return JobReport(
        "analyze", new=new, unchanged=0, failed=0, seconds=1, held=9, stopped=stopped, costs=[COST]
    )


def test_report_shows_model_costs() -> None:
    """Requests, tokens and dollars of each provider, to a person and to a program."""
    done = analyzed(new=3, mine=HELD)
    assert sentence(done) == (
        "analyze: 3 new, 0 unchanged, 9 left for a later run; mine: 12 requests, 1,200 + 600 tokens, 0.0024 USD; 1.0 s"
    )
    (cost,) = done.as_json()["costs"]
    assert (cost["provider"], cost["requests"], cost["cost_usd"]) == ("mine", 12, 0.0024)


@pytest.mark.parametrize(
    ("done", "code"),
    [
        (analyzed(new=3, mine=HELD), 3),
        (analyzed(new=0, mine=HELD), 3),
        (analyzed(new=3, mine=ModelUnavailable(model="m", reason="no")), 3),
        (analyzed(new=0, mine=ModelUnavailable(model="m", reason="no")), 4),
    ],
)
def test_report_after_stopped_analyzer(
    capsys: pytest.CaptureFixture[str], done: JobReport, code: int
) -> None:
    """The counts of all others are there, and the exit code is the error's own only where nothing was done."""
    with pytest.raises(typer.Exit) as ended:
        run_job(lambda: done, as_json=True)
    assert ended.value.exit_code == code
    said = capsys.readouterr()
    printed = json.loads(said.out)
    assert (printed["new"], printed["held"]) == (done.new, 9)
    assert printed["stopped"]["mine"]["code"] == done.stopped["mine"].code
    assert done.stopped["mine"].code in said.err


@pytest.mark.parametrize("as_json", [False, True])
def test_report_failures_exit_3(capsys: pytest.CaptureFixture[str], as_json: bool) -> None:
    """Partial is a code of its own, and the counts are printed all the same."""
    with pytest.raises(typer.Exit) as ended:
        run_job(lambda: PARTIAL, as_json)
    assert ended.value.exit_code == 3
    said = capsys.readouterr()
    assert bool(said.out) is as_json
    assert "2" in said.out + said.err
