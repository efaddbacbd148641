"""Prints each failure as soon as it is known: a run that is stopped from outside never comes to its summary.

Does not print the failures of a run without workers, where `-v` or `-x` is at hand.
"""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Listen in the process that collects the reports of all workers."""
    if config.getoption("numprocesses", None):
        config.pluginmanager.register(_Failures(config), "rapray-failures")


class _Failures:
    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Print what went wrong, a crashed worker among it."""
        if report.failed:
            terminal = self._config.get_terminal_writer()
            terminal.line()
            terminal.sep("!", f"{report.nodeid} ({report.when})", red=True)
            terminal.line(report.longreprtext)
