"""Order and grouping of the tests of a run: what shares a Ray stays on one worker, and the longest files start first.

With `pytest -n 2` each group goes to one worker as a whole. A group is a file, or all files whose tests share the Ray cluster
or the language model of a run: each worker that runs such a test would start its own.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import pytest

RECORD = Path(__file__).parents[1] / "durations.txt"
_ROOT = Path(__file__).parents[2]
SHARED = "shared"
_SHARED_FIXTURES = {"cluster", "language_model", "served_app"}
# One of these fixtures as a parameter of a test or in `usefixtures`. Only workers collect tests: the process that
# hands out the groups has only names of files, so it searches the files. `pytest_runtest_setup` checks the result.
_USES_RAY_OR_MODEL = re.compile(r'[(,]\s*(?:cluster|language_model|served_app): |usefixtures\([^)]*"cluster"')
_USES_APP = re.compile(r"[(,]\s*served_app: ")
_UNRECORDED_S = 1.0  # for a file without one of the slowest tests: it starts after the files that have one


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--reverse-files`."""
    parser.addoption(
        "--reverse-files",
        action="store_true",
        help="Run the files in reverse order: no test may depend on another.",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the groups in the order of the time that they took at the last release, the longest first."""
    groups: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        groups[group_of(item.nodeid)].append(item)
    seconds = recorded_seconds()
    order = sorted(groups, key=lambda group: -_expected(groups[group], seconds))
    # Tests of the application come last in their group: its replicas hold CPUs that jobs need.
    members = [
        sorted(groups[group], key=lambda item: _matches(_file(item.nodeid), _USES_APP)) for group in order
    ]
    if config.getoption("--reverse-files"):
        members = [_files_reversed(group) for group in reversed(members)]
    items[:] = [item for group in members for item in group]


@pytest.hookimpl(tryfirst=True)  # before its fixtures: a second Ray takes CPUs from other tests
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail a test that uses a shared fixture although nothing in its file shows it: the test may be on the wrong worker."""
    shared = sorted(_SHARED_FIXTURES.intersection(getattr(item, "fixturenames", ())))
    if shared and group_of(item.nodeid) != SHARED:
        pytest.fail(
            f"{item.nodeid} uses {', '.join(shared)}, but tests/support/run_order.py cannot see that in its file: add an "
            f'annotated parameter "{shared[0]}: ..." to the test, or `usefixtures("cluster")` to the file',
            pytrace=False,
        )


@pytest.hookimpl(optionalhook=True)  # the environment of vLLM has no xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hand out whole groups. xdist's own `--dist loadgroup` does nothing with pytest 9.2, whose node ids cannot be changed."""
    from xdist.scheduler import LoadScopeScheduling

    class GroupScheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

        def _reschedule(self, node: Any) -> None:
            """Keep at least three tests queued for a worker: it holds back its last one until it gets another."""
            if node not in self.registered_collections:
                return  # it replaces a crashed worker, and still collects
            super()._reschedule(node)
            while (
                self.workqueue and not node.shutting_down and self._pending_of(self.assigned_work[node]) <= 2
            ):
                self._assign_work_unit(node)

        def remove_node(self, node: Any) -> str | None:
            """Hand the unfinished tests of a crashed worker to the others, except the one that crashed it.

            xdist also hands over finished groups; a worker that gets only those waits for ever.
            """
            groups = self.assigned_work.pop(node)
            unfinished = {name: tests for name, tests in groups.items() if not all(tests.values())}
            if not unfinished:
                return None
            running = next(iter(unfinished.values()))
            crashed = next(test for test, is_finished in running.items() if not is_finished)
            running[crashed] = True
            self.workqueue.update({n: tests for n, tests in unfinished.items() if not all(tests.values())})
            for other in self.assigned_work:
                self._reschedule(other)
            return crashed

    return GroupScheduling(config, log)


def group_of(node_id: str) -> str:
    """Return the group of a test: its file, or `shared`."""
    path = _file(node_id)
    return SHARED if _matches(path, _USES_RAY_OR_MODEL) else path


def recorded_seconds() -> dict[str, float]:
    """Return the seconds of the slowest tests of the last release by node id; empty where nothing is recorded."""
    if not RECORD.exists():
        return {}
    lines = [line for line in RECORD.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return {node: float(seconds) for seconds, _, node in (line.partition(" ") for line in lines)}


def _file(node_id: str) -> str:
    return node_id.partition("::")[0]


@cache
def _matches(path: str, pattern: re.Pattern[str]) -> bool:
    file = _ROOT / path
    return file.is_file() and pattern.search(file.read_text(encoding="utf-8")) is not None


def _files_reversed(items: list[pytest.Item]) -> list[pytest.Item]:
    files: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        files[_file(item.nodeid)].append(item)
    return [item for path in reversed(files) for item in files[path]]


def _expected(items: list[pytest.Item], seconds: dict[str, float]) -> float:
    return max(_UNRECORDED_S, sum(seconds.get(item.nodeid, 0) for item in items))
