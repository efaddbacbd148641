"""The demo as a new user sees it: once with `--once`, again until it is stopped, and interrupted while it starts."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
import urllib.request
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from rapray.cli.demo import QUERY
from rapray.config import EmbeddingSettings
from rapray.domain import Outcome
from rapray.samples.corpus import songs
from rapray.samples.site import EXPECTED
from tests.support.commands import data_directory, environment, processes_of, run, start
from tests.support.model_results import assert_same_hits, dtype_of
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.slow("starts the demo several times"), pytest.mark.ray, pytest.mark.timeout(600)]
STOPPED_WITHIN_S = 60
Demo = tuple[subprocess.Popen[str], Callable[[], str]]


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A data directory that nothing has been in."""
    with data_directory() as directory:
        yield directory


@pytest.fixture(scope="module")
def env(place: Path) -> dict[str, str]:
    """Pages that failed are not due again while this module runs: no run depends on how long the one before took.

    The README's commands are tried with every analyzer; here a single analyzer keeps the many starts short.
    """
    return environment(
        RAPRAY_DATA_DIR=str(place), RAPRAY_JOBS__RETRY_DELAY_S="3600", RAPRAY_SERVE__ANALYZERS="algorithmic"
    )


@pytest.fixture(scope="module")
def report(env: dict[str, str]) -> dict[str, Any]:
    """What the first run in the directory printed."""
    done = run("demo", "--once", env=env)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def test_demo_once_prints_json(report: dict[str, Any]) -> None:
    """Standard output is one report in JSON and nothing else, in the shape that the README promises."""
    assert set(report) == {"collect", "embed", "analyze", "seconds", "search"}
    assert set(report["collect"]) == {"new", "unchanged", "rejected", "failed"}
    assert set(report["embed"]) == set(report["analyze"]) == {"new", "unchanged", "failed"}
    assert {"collect", "embed", "analyze", "search"} <= set(report["seconds"])
    assert all(seconds > 0 for seconds in report["seconds"].values())


def test_demo_once_page_outcomes(report: dict[str, Any]) -> None:
    """Each song is stored, rejected by its reason or due again, exactly as the site's table says."""
    outcomes = Counter(EXPECTED.values())
    lyrics = outcomes.pop(Outcome.LYRICS)
    collected = report["collect"]
    assert collected["new"] == len(songs()) + lyrics
    assert collected["failed"] == sum(n for outcome, n in outcomes.items() if outcome.is_retryable)
    assert collected["rejected"] == {
        str(outcome): n for outcome, n in sorted(outcomes.items()) if not outcome.is_retryable
    }


def test_demo_once_processes_tracks(report: dict[str, Any]) -> None:
    """Each collected track went through the two other jobs, and none of them failed."""
    for step in ("embed", "analyze"):
        assert report[step] == {"new": report["collect"]["new"], "unchanged": 0, "failed": 0}


def test_demo_once_search_passages(report: dict[str, Any]) -> None:
    """Three results, best first, each with the passage that matched."""
    results = report["search"]["results"]
    assert len(results) == 3
    assert [result["score"] for result in results] == sorted((r["score"] for r in results), reverse=True)
    assert all(result["passage"]["text"] and result["track"]["title"] for result in results)


@pytest.mark.usefixtures("report")
def test_demo_once_stops_everything(place: Path) -> None:
    """No server, no Ray, no replica; only the data stays."""
    wait_for(lambda: not processes_of(place), "every process of the demo is gone", STOPPED_WITHIN_S)
    assert (place / "servers").exists()


@pytest.mark.slow("starts the demo once more")
def test_demo_again_until_sigterm(place: Path, env: dict[str, str], report: dict[str, Any]) -> None:
    """A second run finds nothing new and says so; what it invites to try works; SIGTERM stops everything.

    A service manager sends it to the one process; Ray's own handler must not get in between.
    """
    with _staying_up(env) as (process, said):
        for step in ("collect", "embed", "analyze"):
            assert re.search(rf"{step}: nothing new\b.*\b{report[step]['new']} unchanged", said()), said()
        address = re.search(r"rapray is at (http://\S+)", said())
        assert address
        with urllib.request.urlopen(address[1], timeout=30) as page:
            assert b"<form" in page.read()
        again = httpx.post(f"{address[1]}/search", json={"query": QUERY, "limit": 3}, timeout=60).json()
        assert_same_hits(report["search"]["results"], again["results"], dtype_of(EmbeddingSettings()))
        _try_what_it_says(said())
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOPPED_WITHIN_S) == 130, said()[-3000:]
    wait_for(lambda: not processes_of(place), "every process of the demo is gone", STOPPED_WITHIN_S)
    assert "Traceback" not in said()


@pytest.mark.parametrize(
    "moment", ["servers: starting", r"collect: [1-9]\d* of"], ids=["at once", "in a job"]
)
def test_demo_interrupt_stops_everything(moment: str) -> None:
    """Ctrl-C before anything is up, and in the middle of a job: a terminal sends SIGINT to Ray's processes too."""
    with (
        data_directory() as fresh,
        _staying_up(environment(RAPRAY_DATA_DIR=str(fresh)), until=moment) as (process, said),
    ):
        wait_for((fresh / "run" / "endpoint.json").exists, "the servers start")
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(STOPPED_WITHIN_S) == 130, said()[-3000:]
        wait_for(lambda: not processes_of(fresh), "every process of the demo is gone", STOPPED_WITHIN_S)
        assert "Traceback" not in said()


def _try_what_it_says(text: str) -> None:
    """The three commands that the demo invites to try: each answers."""
    invited = [line.strip() for line in text.splitlines() if line.startswith("  ")]
    assert len(invited) == 3
    for command in invited:
        done = subprocess.run(command, shell=True, env=environment(), capture_output=True, check=False)
        assert done.returncode == 0, (command, done.stderr)
        assert len(done.stdout) > 100
        if command.startswith("curl"):
            assert "code" not in json.loads(done.stdout)


@contextmanager
def _staying_up(env: dict[str, str], until: str = "Ctrl-C stops everything.") -> Generator[Demo]:
    """A demo that has said `until`, a pattern, and what it has said so far; ended at the end whatever happened."""
    process = start("demo", env=env)
    assert process.stderr is not None
    lines: list[str] = []
    reader = threading.Thread(target=lines.extend, args=(process.stderr,), daemon=True)
    reader.start()

    def said() -> str:
        return "".join(lines)

    try:
        wait_for(
            lambda: re.search(until, said()) or process.poll() is not None, f"the demo says {until!r}", 180
        )
        assert process.poll() is None, said()[-3000:]
        yield process, said
        reader.join(10)
    finally:
        process.kill()
        process.wait()
