"""Language models in jobs: what is due, what is left for later, what it cost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from rapray.analyzers.llm.prompts import load_prompts
from rapray.config import Settings
from rapray.config.llm import LlmSettings
from rapray.errors import ConfigError, ConnectionBudgetExceeded, ProviderNotConfigured, ProviderRefused
from rapray.pipelines.analyze import analyze
from rapray.samples.corpus import songs
from rapray.store import costs, runs
from rapray.store.pool import connect
from tests.support.collection import song_of, store
from tests.support.hostile import HostileServer, answers, error, says, status

pytestmark = [pytest.mark.slow("runs whole jobs"), pytest.mark.ray, pytest.mark.usefixtures("cluster")]
TRACKS = 12


def stored(database_url: str) -> None:
    """A few sample songs as tracks."""
    store(database_url, map(song_of, songs()[:TRACKS]))


def with_llm(
    settings: Settings, server: HostileServer, *, model: str = "m", context_tokens: int = 32_768, **llm: Any
) -> Settings:
    """The settings with a provider of one's own, `mine`, at this server."""
    provider = {
        "base_url": server.base_url,
        "model": model,
        "context_tokens": context_tokens,
        "api_key": "k",
        "logprobs": False,
        "max_retries": 0,
        "max_wait_s": 5,
        "concurrency": 2,
        "input_usd_per_million": 1,
        "output_usd_per_million": 2,
    }
    section = LlmSettings.model_validate({"providers": {"mine": provider}, **llm})
    return settings.model_copy(update={"llm": section})


RESULTS = "analysis_results JOIN provenances p ON p.id = provenance_id"


def count(database_url: str, table: str) -> int:
    """Rows of a table."""
    with psycopg.connect(database_url) as conn:
        row = conn.execute(f"SELECT count(*) FROM {table}").fetchone()  # pyright: ignore
    assert row is not None
    return int(row[0])


def test_analyze_edited_prompt_due(job_settings: Settings, database_url: str, tmp_path: Path) -> None:
    """A result a track with its cost; again nothing; with an edited prompt all of them, beside the first."""
    stored(database_url)
    prompts = tmp_path / "v1b"
    prompts.mkdir()
    for name, text in load_prompts("v1").texts.items():
        (prompts / f"{name}.md").write_text(text + "\n\nBe brief.", encoding="utf-8")
    with HostileServer(answers()) as server:
        settings = with_llm(job_settings, server)
        assert analyze(settings, ["mine"]).new == TRACKS
        asked = len(server.asked)
        assert asked == TRACKS + 1  # and the one that looks whether the key is right
        again = analyze(settings, ["mine"])
        assert (again.new, again.unchanged, len(server.asked)) == (0, TRACKS, asked)
        assert analyze(with_llm(job_settings, server, prompts=str(prompts)), ["mine"]).new == TRACKS
    with psycopg.connect(database_url) as conn:
        row = conn.execute(
            "SELECT sum(cost_usd), count(DISTINCT provenance_id) FROM analysis_results"
        ).fetchone()
        assert row is not None
        assert row[0] == pytest.approx(2 * TRACKS * (100 + 2 * 50) / 1e6)
        assert row[1] == 2
        found = conn.execute(
            "SELECT id FROM runs WHERE job = 'analyze' ORDER BY started_at LIMIT 1"
        ).fetchone()
        assert found is not None
    with connect(database_url, application_name="test") as conn:
        (spent,) = costs.of_run(conn, found[0])
    assert (spent.provider, spent.requests, spent.input_tokens) == ("mine", TRACKS, TRACKS * 100)


def test_analyze_new_model_retries(job_settings: Settings, database_url: str) -> None:
    """A model that answers nonsense leaves dead letters: it is not asked again, another one is."""
    stored(database_url)
    jobs = job_settings.jobs.model_copy(update={"max_attempts": 1})
    once = job_settings.model_copy(update={"jobs": jobs})
    with HostileServer(answers(), says("I cannot say")) as server:
        assert analyze(with_llm(once, server), ["mine"]).failed == TRACKS
        asked = len(server.asked)
        again = analyze(with_llm(once, server), ["mine"])
        assert (again.new, again.failed, len(server.asked)) == (0, TRACKS, asked)
    with HostileServer(answers()) as server:
        assert analyze(with_llm(once, server, model="org/next"), ["mine"]).new == TRACKS


def test_analyze_stops_midway(job_settings: Settings, database_url: str) -> None:
    """Whatever stops the run, finished answers are stored, no lyric is blamed, and the other analyzer completes.

    The next run continues with the rest.
    """
    stored(database_url)
    stops = [error(401), error(402), error(500), status(200, b"<html>")]
    left = TRACKS
    others_new = TRACKS  # results of the algorithmic analyzer, in the first run only
    for number, reply in enumerate(stops):
        # The first answer is to the question whether the key is right.
        with HostileServer(answers(), answers(), answers(), reply) as server:
            done = analyze(with_llm(job_settings, server), ["mine", "algorithmic"])
        left -= 2
        assert (done.new, done.held, done.failed) == (2 + others_new, left, 0), f"reply {number}"
        others_new = 0
        assert [(name, stop.code) for name, stop in done.stopped.items()] == [("mine", "run_paused")]
        with connect(database_url, application_name="test") as conn:
            run, *_ = runs.list_(conn)
        assert (run.state, f"left {left} tracks" in str(run.error)) == ("partial", True)
        assert count(database_url, "dead_letters") == 0
        assert count(database_url, f"{RESULTS} WHERE analyzer = 'mine'") == TRACKS - left
        assert count(database_url, f"{RESULTS} WHERE analyzer = 'algorithmic'") == TRACKS
    with HostileServer(answers()) as server:
        assert analyze(with_llm(job_settings, server), ["mine"]).new == left


def test_analyze_checks_key_first(job_settings: Settings, database_url: str) -> None:
    """Also for the analyzers beside it: nothing has been written."""
    stored(database_url)
    with HostileServer(error(401)) as server, pytest.raises(ProviderRefused) as caught:
        analyze(with_llm(job_settings, server), ["algorithmic", "mine"])
    assert caught.value.exit_code == 4
    assert len(server.asked) == 1
    assert count(database_url, "analysis_results") == 0
    with pytest.raises(ProviderNotConfigured):
        analyze(job_settings, ["algorithmic", "qwen"])


def test_analyze_checks_context_first(job_settings: Settings, database_url: str) -> None:
    """It would be the same error for every lyric: none of them fails for it."""
    stored(database_url)
    with HostileServer(answers()) as server, pytest.raises(ConfigError, match="context_tokens"):
        analyze(with_llm(job_settings, server, context_tokens=4096), ["mine"])
    assert count(database_url, "dead_letters") == 0


def test_analyze_counts_account_connections(job_settings: Settings, database_url: str) -> None:
    """Each actor keeps the run's account over its own: a thousand of them are refused before any is open."""
    many = job_settings.jobs.model_copy(update={"workers": 1000})
    with HostileServer(answers()) as server:
        settings = with_llm(job_settings.model_copy(update={"jobs": many}), server)
        with pytest.raises(ConnectionBudgetExceeded, match="RAPRAY_JOBS__WORKERS"):
            analyze(settings, ["mine"])
        assert analyze(settings, ["algorithmic"]).new == 0


def test_analyze_shared_cost_limit(job_settings: Settings, database_url: str) -> None:
    """Two actors keep one account: requests that could pass it are not sent; their tracks are due for a run with more."""
    stored(database_url)
    two = job_settings.model_copy(update={"jobs": job_settings.jobs.model_copy(update={"workers": 2})})
    with HostileServer(answers()) as server:
        limited = analyze(with_llm(two, server, max_cost_usd=0.012), ["mine"])
        assert "cost_limit" in str(limited.stopped["mine"])
        done = count(database_url, "analysis_results")
        assert 0 < done < TRACKS
        assert (limited.new, limited.held) == (done, TRACKS - done)
        (cost,) = limited.costs
        assert (cost.requests, cost.cost_usd) == (done, pytest.approx(done * (100 + 2 * 50) / 1e6))
        assert cost.requests == len(server.asked) - 1  # one looks whether the key is right
        assert analyze(with_llm(job_settings, server, max_cost_usd=1), ["mine"]).new == TRACKS - done


def test_analyze_writes_small_batches(job_settings: Settings, database_url: str) -> None:
    """A kill loses what its actors hold: not the results of a whole range, and there is work for each of the actors."""
    stored(database_url)
    with HostileServer(answers()) as server:
        assert analyze(with_llm(job_settings, server), ["mine"]).new == TRACKS
    with psycopg.connect(database_url) as conn:
        row = conn.execute(
            "SELECT max((counts ->> 'new')::int) FROM run_batches WHERE counts ? 'dead'"
        ).fetchone()
    assert row is not None
    assert row[0] <= 2  # its concurrency
