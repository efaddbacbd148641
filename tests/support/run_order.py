"""Order and grouping of the tests of a run: what shares a Ray stays on one worker, and the longest files start first.

`pytest -n 2 --dist loadgroup` gives each group to one worker as a whole. A group is a file, or all tests that share the
Ray cluster or the language model of a run: each worker that runs such a test would start its own.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

RECORD = Path(__file__).parents[1] / "durations.txt"
# Session fixtures that are slow to start. `served_app` comes last: its replicas hold CPUs that jobs would take.
_SHARED = ("raylets", "language_model", "served_app")
_MARK = "@group:"  # xdist puts `@` and the group's name behind the id of a test
_UNRECORDED_S = 1.0  # of a file without a test among the slowest: it starts after those that have one


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--reverse-files`."""
    parser.addoption(
        "--reverse-files",
        action="store_true",
        help="Run the files in reverse order: no test may depend on another.",
    )


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give each test its group, and order the groups by the time they took at the last release."""
    groups: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        groups[_group(item)].append(item)
    seconds = recorded_seconds()
    order = sorted(groups, key=lambda group: -_expected(groups[group], seconds))
    if config.getoption("--reverse-files"):
        order.reverse()
    items[:] = [item for group in order for item in _ordered(groups[group])]
    for group, members in groups.items():
        for item in members:
            item.add_marker(pytest.mark.xdist_group(f"{_MARK[1:]}{group}"))


def node_id(report: pytest.TestReport) -> str:
    """Return the id of a test as it is without groups."""
    return report.nodeid.rpartition(_MARK)[0] or report.nodeid


def recorded_seconds() -> dict[str, float]:
    """Return the seconds of the slowest tests of the last release by node id; empty where nothing is recorded."""
    if not RECORD.exists():
        return {}
    lines = [line for line in RECORD.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return {node: float(seconds) for seconds, _, node in (line.partition(" ") for line in lines)}


def _group(item: pytest.Item) -> str:
    return "shared" if _shared_fixtures(item) else item.path.relative_to(Path(__file__).parents[1]).as_posix()


def _shared_fixtures(item: pytest.Item) -> list[str]:
    names = getattr(item, "fixturenames", ())
    return [name for name in _SHARED if name in names]


def _ordered(items: list[pytest.Item]) -> list[pytest.Item]:
    return sorted(items, key=lambda item: "served_app" in _shared_fixtures(item))


def _expected(items: list[pytest.Item], seconds: dict[str, float]) -> float:
    return max(_UNRECORDED_S, sum(seconds.get(item.nodeid, 0) for item in items))
