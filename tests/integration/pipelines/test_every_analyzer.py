"""Each kind of analyzer over the sample corpus as one job: what is due, what is stored, and what poison costs."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from rapray.analyzers.llm.prompts import load_prompts
from rapray.analyzers.registry import provenance_of
from rapray.config import JobSettings, Settings
from rapray.config.settings import LlmSettings
from rapray.pipelines.analyze import analyze
from rapray.pipelines.job import JobContext
from rapray.pipelines.progress import RunProgress
from rapray.samples.corpus import songs
from rapray.store import due
from rapray.store.due import DueAnalyses
from rapray.store.pool import connect
from tests.support.collection import failures_of, fetched, results_of, song_of, store
from tests.support.hostile import HostileServer, Reply, describing, says
from tests.support.llm_server import API_KEY, SHORT_ANSWERS, LanguageModelServer
from tests.support.model_results import assert_same_result, dtype_of

pytestmark = [
    pytest.mark.slow("runs whole jobs over many songs"),
    pytest.mark.ray,
    pytest.mark.usefixtures("cluster"),
    pytest.mark.timeout(600),
]
NAMES = ("algorithmic", "emotion", "qwen")
ONE_ATTEMPT = JobSettings(workers=1, writers=1, compute_block_rows=16, max_attempts=1, progress_interval_s=60)


@pytest.fixture(autouse=True)
def _extras() -> None:
    for package in ("torch", "openai"):
        pytest.importorskip(package, reason="the embeddings or the llm extra is not installed")


def settings_with(settings: Settings, base_url: str, prompts: str = "v1", **provider: Any) -> Settings:
    """The settings with the built-in emotion model and `qwen` at this address; one failure is the last."""
    values = {"base_url": base_url, "needs_key": False, "max_retries": 0, "concurrency": 2, **provider}
    llm = LlmSettings.model_validate({"prompts": prompts, "providers": {"qwen": values}})
    return settings.model_copy(update={"llm": llm, "jobs": ONE_ATTEMPT})


def edited_prompts(folder: Path) -> str:
    """The shipped prompts with one word changed."""
    for name, text in load_prompts("v1").texts.items():
        (folder / f"{name}.md").write_text(text.replace("rap lyrics", "hip-hop lyrics"), encoding="utf-8")
    return str(folder)


def standing(settings: Settings, database_url: str) -> dict[str, tuple[int, int, int]]:
    """How many tracks each analyzer has done, has an old result for, and has failed on for good."""
    with connect(database_url, application_name="test") as conn:
        found = {name: due.coverage(conn, DueAnalyses(provenance_of(name, settings))) for name in NAMES}
    assert all(one.tracks == one.done + one.stale + one.dead + one.untried for one in found.values()), found
    return {name: (one.done, one.stale, one.dead) for name, one in found.items()}


def without_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on nothing may be due: the first plan would start Ray."""

    def refused(_: JobContext) -> None:
        pytest.fail("a job with nothing to do started Ray")

    monkeypatch.setattr(JobContext, "start_ray", refused)


def ends_shown(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """What each plan's bar ends at: how many were due, and how many it says are done."""
    shown: list[tuple[int, int]] = []

    @contextmanager
    def progress(
        job: str, total: int, so_far: Callable[[], RunProgress], interval_s: float
    ) -> Generator[None]:
        del job, interval_s
        yield
        shown.append((total, so_far().done))

    monkeypatch.setattr("rapray.pipelines.job.progress", progress)
    return shown


def badly_about(bad: dict[str, Reply]) -> Reply:
    """Describes every song but those of these titles."""

    def reply(handler: Any) -> None:
        question = "\n".join(message["content"] for message in handler.asked["messages"])
        chosen: Callable[[Any], None] = next(
            (b for t, b in bad.items() if f"Title: {t}\n" in question), describing
        )
        chosen(handler)

    return reply


def test_corpus_results_and_reruns(
    job_settings: Settings, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """24 songs, three analyzers: done or failed with the reason; then nothing is due; another prompt makes its analyzer due."""
    bad_numbers = (5, 40)
    # Every third song of the corpus, and those that are answered badly.
    chosen = [song for number, song in enumerate(songs()) if number % 3 == 0 or number in bad_numbers]
    count = len(store(database_url, map(song_of, chosen)))
    refused, babbled = (songs()[number].title for number in bad_numbers)
    bad = {refused: says(None, refusal="I will not read that."), babbled: says("Nice song!")}
    with HostileServer(badly_about(bad)) as server:
        settings = settings_with(job_settings, server.base_url)
        shown = ends_shown(monkeypatch)
        first = analyze(settings, NAMES)
        assert shown == [(count, count)] * 3
        assert (first.new, first.failed) == (3 * count - 2, 2)
        results = results_of(database_url)
        assert failures_of(database_url) == {
            ("qwen", refused): "answer_refused",
            ("qwen", babbled): "answer_invalid",
        }
        assert standing(settings, database_url) == {
            "algorithmic": (count, 0, 0),
            "emotion": (count, 0, 0),
            "qwen": (count - 2, 0, 2),
        }
        asked = len(server.asked)
        with monkeypatch.context() as patch:
            without_ray(patch)
            again = analyze(settings, NAMES)
        assert (again.new, again.unchanged, again.failed) == (0, 3 * count - 2, 2)
        assert len(server.asked) == asked
        changed = settings_with(job_settings, server.base_url, edited_prompts(tmp_path))
        assert standing(changed, database_url) == {
            "algorithmic": (count, 0, 0),
            "emotion": (count, 0, 0),
            "qwen": (0, count - 2, 0),  # what the old prompt could not read, the new one is tried on
        }
        third = analyze(changed, NAMES)
    assert (third.new, third.unchanged) == (count - 2, 2 * count)
    after = results_of(database_url)
    assert {key for key in after if after[key] != results[key]} == {key for key in after if key[0] == "qwen"}


@pytest.mark.slow("a real language model writes a whole answer")
def test_real_model_stores_results(
    job_settings: Settings,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    language_model: LanguageModelServer,
) -> None:
    """What a model writes is stored with its model, prompt and tokens; again nothing is due; another prompt makes it due."""
    song = min(songs(), key=lambda song: len(song.lyrics))
    store(database_url, [song_of(song)])
    options = {"timeout_s": 300, "max_output_tokens": 3000, "extra_body": SHORT_ANSWERS, "api_key": API_KEY}
    settings = settings_with(job_settings, language_model.base_url, **options)
    assert analyze(settings, NAMES).new == 3
    without_ray(monkeypatch)
    assert analyze(settings, NAMES).as_json() == {"new": 0, "unchanged": 3, "failed": 0}
    changed = settings_with(job_settings, language_model.base_url, edited_prompts(tmp_path), **options)
    row, expected = results_of(database_url)["qwen", song.title], provenance_of("qwen", settings)
    assert (row["model"], row["prompt_version"]) == (expected.model, expected.prompt_version)
    assert row["input_tokens"] > 100
    assert row["output_tokens"] > 50
    assert row["data"]["reading"]["structured_output"] == "json_schema"
    assert standing(changed, database_url) == {
        "algorithmic": (1, 0, 0),
        "emotion": (1, 0, 0),
        "qwen": (0, 1, 0),
    }


def test_poisoned_tracks_fail_alone(job_settings: Settings, database_url: str) -> None:
    """A quarter megabyte, one token without end, control characters, no letter: the songs beside them have the same results."""
    good = [song_of(song) for song in songs()[:4]]
    poison = {
        "a quarter megabyte": "\n".join(song.lyrics for song in songs())[:15_000] * 17,
        "one token": "la " * 50_000,
        "control characters": "\x00\x01 red \x1b[31m alert \x07 \x7f \u202e of \ud800 the \u200b night",
        "no letter": "\x01\x02 … \u200b",  # the table takes no empty text
    }
    store(database_url, good)
    with HostileServer(describing) as server:
        settings = settings_with(job_settings, server.base_url, max_parts=1)
        assert analyze(settings, NAMES).failed == 0
        alone = results_of(database_url)
        with connect(database_url, application_name="test") as conn:
            conn.execute("DELETE FROM analysis_results")
        store(
            database_url,
            [fetched(f"poison {n}", title, text) for n, (title, text) in enumerate(poison.items())],
        )
        report = analyze(settings, NAMES)
    results, failures = results_of(database_url), failures_of(database_url)
    for key, result in alone.items():
        assert_same_result(results[key], result, dtype_of(settings.emotion))
    empty = {(name, "no letter"): "lyrics_empty" for name in NAMES}
    long = {("qwen", title): "lyrics_too_long" for title in ("a quarter megabyte", "one token")}
    assert failures == empty | long
    assert report.failed == len(failures)
    assert results.keys() | failures.keys() == {
        (name, title) for name in NAMES for title in (*poison, *(g.ref.title for g in good))
    }
    assert not results.keys() & failures.keys()
