"""How a job's report is told, to a person, to a program and as an exit code."""

from __future__ import annotations

import json
import re
import socket

import pytest
import typer

from rapray.cli.jobs import report, sentence
from rapray.cli.ports import free_port
from rapray.pipelines.job import JobReport

DONE = JobReport(
    "collect", new=3, unchanged=4, failed=0, seconds=1.25, rejected={"unreleased": 2, "blocked": 1}
)
PARTIAL = JobReport("embed", new=0, unchanged=4, failed=2, seconds=0.5)


def test_sentence_names_every_count_that_is_not_zero() -> None:
    """Reasons in alphabetical order; nothing new is said in words."""
    assert sentence(DONE) == "collect: 3 new, 4 unchanged, 3 rejected (1 blocked, 2 unreleased); 1.2 s"
    assert re.fullmatch(r"embed: nothing new, 4 unchanged, 2 failed .+; 0\.5 s", sentence(PARTIAL))


def test_report_json_is_the_counts_alone_whatever_the_job_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """Ray writes to standard output too; a program that reads ours must not see it."""

    def job() -> JobReport:
        print("(raylet) something")  # noqa: T201
        return DONE

    report(job, as_json=True)
    said = capsys.readouterr()
    assert json.loads(said.out) == {**DONE.as_json(), "seconds": 1.25}
    assert "(raylet)" in said.err


@pytest.mark.parametrize("as_json", [False, True])
def test_report_with_failures_exits_3_after_printing(
    capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    """Partial is a code of its own, and the counts are printed all the same."""
    with pytest.raises(typer.Exit) as ended:
        report(lambda: PARTIAL, as_json)
    assert ended.value.exit_code == 3
    said = capsys.readouterr()
    assert bool(said.out) is as_json
    assert "2" in said.out + said.err


def test_free_port_takes_the_wanted_one_unless_somebody_has_it() -> None:
    """Else any other that is free."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert free_port(port) not in {port, 0}
    assert free_port(port) == port
