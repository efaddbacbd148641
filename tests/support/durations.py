"""How long tests take: an unmarked test that is too slow fails the run, and the slowest are recorded at each release.

A test that has to be slow says why: `@pytest.mark.slow("two starts of the demo")`.

The limit is for the test function. It does not count fixtures: what several tests share (a Ray, the demo, the commands of
the README) starts in the set-up of the test that happens to ask first, and starts again after a test with a Ray of its
own. The record counts set-up and tear-down too, so a slow fixture shows there.
"""

from __future__ import annotations

import pytest

from tests.support.run_order import RECORD

_RECORDED = 40
_HEADER = "# The slowest tests of the last release, in seconds. Written by `make durations`; it decides which files start first.\n"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--slow-test-s` and `--record-durations`."""
    group = parser.getgroup("durations")
    group.addoption(
        "--slow-test-s",
        type=float,
        default=30,
        help="Seconds that a test function may take without `@pytest.mark.slow`.",
    )
    group.addoption(
        "--record-durations", action="store_true", help="Write the slowest tests to tests/durations.txt."
    )


def pytest_configure(config: pytest.Config) -> None:
    """Watch in the process that collects the reports of all workers."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Durations(config), "rapray-durations")


class Durations:
    """The seconds of each test of this run, fixtures included, and the tests whose functions were too slow."""

    def __init__(self, config: pytest.Config) -> None:
        self._limit_s: float = config.getoption("--slow-test-s")
        self._records: bool = config.getoption("--record-durations")
        self._seconds: dict[str, float] = {}
        self._too_slow: dict[str, float] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add the time of one phase of a test."""
        node = report.nodeid
        self._seconds[node] = self._seconds.get(node, 0) + report.duration
        if report.when == "call" and report.duration > self._limit_s and "slow" not in report.keywords:
            self._too_slow[node] = report.duration

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail the run if an unmarked test was too slow; record the slowest if asked to."""
        if self._too_slow and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if self._records:
            slowest = sorted(self._seconds.items(), key=lambda entry: -entry[1])[:_RECORDED]
            lines = [f"{seconds:.1f} {node}\n" for node, seconds in slowest]
            RECORD.write_text(_HEADER + "".join(lines), encoding="utf-8")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Name the tests that were too slow."""
        for node, seconds in self._too_slow.items():
            terminalreporter.write_line(
                f"TOO SLOW: {node} took {seconds:.0f} s, more than {self._limit_s:.0f} s: make it faster, or mark it with "
                "`@pytest.mark.slow` and the reason",
                red=True,
            )
