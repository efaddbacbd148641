"""The rule that an unmarked test must be quick, and the record of the slowest, tried on runs of a few tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import durations

pytest_plugins = ["pytester"]
TESTS = """
import pytest
def test_plain(): pass
@pytest.mark.slow("to show that a mark helps")
def test_marked(): pass
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder with two tests, and the plug-in beside them."""
    monkeypatch.setattr(durations, "RECORD", pytester.path / "durations.txt")
    pytester.makeini("[pytest]\nmarkers = slow(reason): may take longer\n")
    pytester.makepyfile(TESTS)
    return pytester


def inline(run: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Run the two tests in this process, so that the plug-in writes where this test reads."""
    return run.runpytest_inprocess("-p", "tests.support.durations", "-p", "no:xdist", *arguments)


def test_unmarked_slow_test_fails(run: pytest.Pytester) -> None:
    """With a limit of no time at all only the marked test is quick enough; the message says what to do."""
    result = inline(run, "--slow-test-s", "-1")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["TOO SLOW: *::test_plain took *pytest.mark.slow*"])
    result.stdout.no_fnmatch_line("TOO SLOW: *test_marked*")


def test_quick_tests_pass(run: pytest.Pytester) -> None:
    """Within the limit nothing is said, and nothing is recorded unless asked for."""
    result = inline(run, "--slow-test-s", "60")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.no_fnmatch_line("TOO SLOW*")
    assert not durations.RECORD.exists()


def test_slowest_are_recorded(run: pytest.Pytester) -> None:
    """The record names each test with its seconds, slowest first."""
    assert inline(run, "--record-durations").ret == pytest.ExitCode.OK
    lines = [
        line.split(" ", 1)
        for line in Path(durations.RECORD).read_text(encoding="utf-8").splitlines()
        if line[0] != "#"
    ]
    assert {name for _, name in lines} == {
        f"test_slowest_are_recorded.py::{name}" for name in ("test_plain", "test_marked")
    }
    assert [float(seconds) for seconds, _ in lines] == sorted((float(s) for s, _ in lines), reverse=True)
