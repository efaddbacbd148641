"""The grouping of tests that share a Ray or a language model, and a worker that crashes, tried on runs of a few tests."""

from __future__ import annotations

import pytest

from tests.support import run_order

pytest_plugins = ["pytester"]
FIXTURES = """
import pytest
@pytest.fixture
def cluster(): print("a second Ray starts")
@pytest.fixture
def collection(cluster): return cluster
"""
VISIBLE = """
def test_parameter(collection, cluster: int): pass
"""
HIDDEN = """
def test_indirect(collection): pass
"""

SMALL_FILES = 8
CRASHING = """
import os
def test_before(): pass
def test_crash(): os._exit(3)
def test_after(): pass
"""


def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tests: str) -> pytest.RunResult:
    """Run a file with these tests."""
    monkeypatch.setattr(run_order, "_ROOT", pytester.path)
    pytester.makeconftest(FIXTURES)
    pytester.makepyfile(tests)
    return pytester.runpytest_inprocess("-p", "tests.support.run_order", "-p", "no:xdist")


def test_visible_fixture_is_accepted(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that names the shared fixture itself runs."""
    run(pytester, monkeypatch, VISIBLE).assert_outcomes(passed=1)


def test_hidden_fixture_is_refused(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """If only a fixture asks for the shared one, it is not started, and the message says what to write."""
    result = run(pytester, monkeypatch, HIDDEN)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*::test_indirect uses cluster, *annotated parameter*"])
    result.stdout.no_fnmatch_line("*a second Ray starts*")


@pytest.mark.timeout(120)
def test_crashed_worker_is_replaced(pytester: pytest.Pytester) -> None:
    """Other workers finish a crashed worker's tests; the run ends with one failure, printed at once."""
    pytester.makepyfile(**{f"test_{number}": "def test_small(): pass" for number in range(SMALL_FILES)})
    pytester.makepyfile(test_crashing=CRASHING)
    plugins = ("-p", "tests.support.run_order", "-p", "tests.support.failures")
    arguments = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder", "--rootdir", str(pytester.path))
    pytester.makeini(f"[pytest]\npythonpath = {run_order._ROOT}")
    result = pytester.runpytest_subprocess(*plugins, *arguments, timeout=100)
    result.assert_outcomes(passed=SMALL_FILES + 2, failed=1)
    result.stdout.fnmatch_lines(["!*test_crash*!", "*crashed while running*test_crash*"])
