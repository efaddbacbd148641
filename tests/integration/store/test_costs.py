"""What a run spends, and the limit that all its workers keep together."""

from __future__ import annotations

import pickle
import threading
import uuid

import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from rapray.errors import CostLimitReached
from rapray.store import costs, runs
from rapray.store.costs import RunBudget
from rapray.store.pool import connect


def run_of(database_url: str) -> uuid.UUID:
    """A run to charge to."""
    with connect(database_url, application_name="test") as conn:
        return runs.start(conn, "analyze", {})


def spent(database_url: str, run: uuid.UUID) -> list[costs.RunCost]:
    """The account of a run."""
    with connect(database_url, application_name="test") as conn:
        return costs.of_run(conn, run)


def test_budget_settles_reservations(database_url: str) -> None:
    """The account shows what requests did cost, and nothing is set aside at the end."""
    run = run_of(database_url)
    budget = pickle.loads(pickle.dumps(RunBudget(database_url, run, 1.0)))
    reservation = budget.reserve("qwen", 0.4)
    budget.settle(reservation, cost_usd=0.1, input_tokens=10, output_tokens=5)
    (found,) = spent(database_url, run)
    assert (found.provider, found.requests, found.input_tokens, found.output_tokens) == ("qwen", 1, 10, 5)
    assert (found.cost_usd, found.reserved_usd) == (pytest.approx(0.1), pytest.approx(0))


def test_budget_limits_each_provider(database_url: str) -> None:
    """Reserved counts as spent; another provider has its own account."""
    budget = RunBudget(database_url, run_of(database_url), 1.0)
    with pytest.raises(CostLimitReached):
        budget.reserve("qwen", 1.1)
    budget.reserve("qwen", 0.6)
    with pytest.raises(CostLimitReached, match=r"0\.6 of 1\.0 USD"):
        budget.reserve("qwen", 0.6)
    budget.reserve("gemma", 0.6)


def test_budget_without_limit_counts(database_url: str) -> None:
    """Accounting needs no limit."""
    run = run_of(database_url)
    budget = RunBudget(database_url, run, None)
    reservation = budget.reserve("ollama", 0.0)
    budget.settle(reservation, cost_usd=0, input_tokens=7, output_tokens=3)
    assert [(one.requests, one.input_tokens) for one in spent(database_url, run)] == [(1, 7)]


def test_budget_counts_sent_requests(database_url: str) -> None:
    """One on its way counts, as does that of a killed worker; one that never left does not."""
    run = run_of(database_url)
    budget = RunBudget(database_url, run, None)
    budget.reserve("qwen", 0.1)
    budget.release(budget.reserve("qwen", 0.2))
    (found,) = spent(database_url, run)
    assert (found.requests, found.reserved_usd) == (1, pytest.approx(0.1))


def test_budget_retry_counts_once(database_url: str) -> None:
    """A connection that is lost after the commit makes a query run again: no dollar is counted or freed twice."""
    run = run_of(database_url)
    budget = RunBudget(database_url, run, 1.0)
    budget.reserve("qwen", 0.5)
    values = {"id": uuid.uuid4(), "run_id": run, "provider": "qwen", "usd": 0.4, "limit_usd": 1.0}
    assert [budget._run("reserve", values) for _ in range(2)] == [True, True]
    for _ in range(2):
        budget.settle(values["id"], cost_usd=0.1, input_tokens=1, output_tokens=1)
    (found,) = spent(database_url, run)
    assert (found.requests, found.cost_usd, found.reserved_usd) == (2, pytest.approx(0.1), pytest.approx(0.5))


def test_budget_survives_server_restart(database_url: str) -> None:
    """The session ends and no new one is let in for a while: the account is kept all the same."""
    run = run_of(database_url)
    budget = RunBudget(database_url, run, None)
    reservation = budget.reserve("qwen", 0.4)
    name = sql.Identifier(str(conninfo_to_dict(database_url)["dbname"]))
    with connect(make_conninfo(database_url, dbname="postgres"), application_name="test") as conn:
        conn.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name))
        conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'rapray costs'"
        )
        back = threading.Timer(
            1, lambda: conn.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(name))
        )
        back.start()
        budget.settle(reservation, cost_usd=0.1, input_tokens=10, output_tokens=5)
        back.join()
    assert [(one.requests, one.reserved_usd) for one in spent(database_url, run)] == [(1, pytest.approx(0))]


def test_budget_holds_across_workers(database_url: str) -> None:
    """Eight workers that reserve at once get exactly as many places as the limit holds."""
    run = run_of(database_url)
    granted: list[int] = []

    def work() -> None:
        budget = RunBudget(database_url, run, 1.0)
        for _ in range(5):
            try:
                budget.reserve("qwen", 0.1)
            except CostLimitReached:
                return
            granted.append(1)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(granted) in (9, 10)  # ten tenths are a little more than one
    assert sum(one.reserved_usd for one in spent(database_url, run)) <= 1.0
