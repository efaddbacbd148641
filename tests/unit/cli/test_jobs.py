"""How a job's report is printed for a person and for a program, and its exit code."""

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
    """Reasons stand in alphabetical order; a count of zero new tracks is written as "nothing new"."""
    assert sentence(DONE) == "collect: 3 new, 4 unchanged, 3 rejected (1 blocked, 2 unreleased); 1.2 s"
    assert re.fullmatch(r"embed: nothing new, 4 unchanged, 2 failed .+; 0\.5 s", sentence(PARTIAL))


def test_report_json_counts_only(capsys: pytest.CaptureFixture[str]) -> None:
    """Ray writes to standard output too; a program that reads the JSON must not see that."""

    def job() -> JobReport:
        print("(raylet) something")  # noqa: T201 (as a library does)
        return DONE

    run_job(job, as_json=True)
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {**DONE.as_json(), "seconds": 1.25}
    assert "(raylet)" in printed.err


COST = RunCost("mine", 12, 1200, 600, 0.0024, 0.0)
HELD = RunPaused(analyzer="mine", count=9, reason="9 cost_limit")


def analyzed(*, new: int, **stopped: RaprayError) -> JobReport:
    """Return a report of analyzers, some of which have stopped."""
    return JobReport(
        "analyze", new=new, unchanged=0, failed=0, seconds=1, held=9, stopped=stopped, costs=[COST]
    )


def test_report_shows_model_costs() -> None:
    """Both forms show the requests, tokens and dollars of each provider."""
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
    """The other analyzers' counts are printed; the error's own exit code is used only if nothing was done."""
    with pytest.raises(typer.Exit) as ended:
        run_job(lambda: done, as_json=True)
    assert ended.value.exit_code == code
    printed = capsys.readouterr()
    report = json.loads(printed.out)
    assert (report["new"], report["held"]) == (done.new, 9)
    assert report["stopped"]["mine"]["code"] == done.stopped["mine"].code
    assert done.stopped["mine"].code in printed.err


@pytest.mark.parametrize("as_json", [False, True])
def test_report_failures_exit_3(capsys: pytest.CaptureFixture[str], as_json: bool) -> None:
    """A partial run has a code of its own, and its counts are printed."""
    with pytest.raises(typer.Exit) as ended:
        run_job(lambda: PARTIAL, as_json)
    assert ended.value.exit_code == 3
    printed = capsys.readouterr()
    assert bool(printed.out) is as_json
    assert "2" in printed.out + printed.err
