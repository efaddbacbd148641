"""Prints each failure as soon as it is reported: a run that is killed never prints its summary."""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Listen to the reports of all workers; a run without workers has other means, such as `-x`."""
    if config.getoption("numprocesses", None):
        config.pluginmanager.register(_Failures(config), "rapray-failures")


class _Failures:
    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Print the failure, also that of a crashed worker."""
        if report.failed:
            terminal = self._config.get_terminal_writer()
            terminal.line()
            terminal.sep("!", f"{report.nodeid} ({report.when})", red=True)
            terminal.line(report.longreprtext)
