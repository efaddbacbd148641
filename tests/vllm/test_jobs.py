"""A job with no served model: it starts one, asks about a whole batch ahead, and stops it."""

from __future__ import annotations

from pathlib import Path

import pytest

from rapray.analyzers.llm.prompts import load_prompts
from rapray.analyzers.registry import provenance_of
from rapray.config import Settings
from rapray.errors import ModelUnavailable
from rapray.pipelines.analyze import analyze
from rapray.store import due
from rapray.store.due import DueAnalyses
from rapray.store.pool import connect
from tests.support.collection import failures_of, fetched, results_of, store

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.ray,
    pytest.mark.slow("hosts a language model"),
    pytest.mark.timeout(1200),
]
VERSE = "Morning on the corner and the kettle sings to me\nEvery bill a paper boat, I float them out to sea"
LONG = "\n\n".join(f"[Verse {n}]\n" + "\n".join([VERSE] * 30) for n in range(1, 5))
TEXTS = {"short": VERSE, "other": VERSE.replace("kettle", "radio"), "long": LONG, "wordless": "...\n---"}


def test_job_hosts_its_model(cluster: None, settings: Settings, database_url: str, tmp_path: Path) -> None:
    """A long lyric is read by section, one without words fails alone; a prompt that changes makes all due again."""
    from ray import serve

    store(database_url, [fetched(str(n), title, text) for n, (title, text) in enumerate(TEXTS.items())])
    # One attempt: then nothing is due afterwards, and the second job need not start the model.
    once = settings.jobs.model_copy(update={"max_attempts": 1})
    settings = settings.model_copy(update={"jobs": once})
    report = analyze(settings, ["local"])
    results, failures = results_of(database_url), failures_of(database_url)
    assert report.new + report.failed == len(TEXTS)
    assert ("local", "short") in results
    assert failures.keys() | results.keys() >= {("local", title) for title in TEXTS if title != "wordless"}
    if ("local", "long") in results:
        assert results["local", "long"]["data"]["reading"]["mode"] == "by_section"
    assert not serve.status().applications
    again = analyze(settings, ["local"])
    assert (again.new, again.failed) == (0, report.failed)
    prompts = tmp_path / "v1b"
    prompts.mkdir()
    for name, text in load_prompts("v1").texts.items():
        (prompts / f"{name}.md").write_text(text + "\n\nBe brief.", encoding="utf-8")
    edited = settings.model_copy(update={"llm": settings.llm.model_copy(update={"prompts": str(prompts)})})
    with connect(database_url, application_name="test") as conn:
        coverage = due.coverage(conn, DueAnalyses(provenance_of("local", edited)))
    assert (coverage.done, coverage.stale) == (0, len(results))


def test_job_checks_model_first(cluster: None, settings: Settings, database_url: str) -> None:
    """A folder without a model ends the command in a sentence, and no lyric has an attempt for it."""
    store(database_url, [fetched("1", "short", VERSE)])
    hosted = settings.llm.hosted.model_copy(update={"model": "/nowhere/model"})
    wrong = settings.model_copy(update={"llm": settings.llm.model_copy(update={"hosted": hosted})})
    with pytest.raises(ModelUnavailable, match=r"config\.json"):
        analyze(wrong, ["local"])
    assert not failures_of(database_url)
