"""An analyzer of another package that breaks every promise, as a job: it costs exactly the lyrics that it is about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from rapray.config import Settings
from rapray.pipelines.analyze import analyze
from tests.support.collection import failures_of, fetched, results_of, store
from tests.support.package import install
from tests.support.ray_cluster import SharedRay

pytestmark = [
    pytest.mark.slow("runs whole jobs"),
    pytest.mark.ray,
    pytest.mark.usefixtures("theirs", "cluster"),
]
CODE = """
import math
from dataclasses import replace
from rapray.domain import Analysis, Failure, Provenance


class Class:
    def __init__(self, settings, name):
        self.provenance = Provenance(name, "2.0")

    def analyze(self, batch):
        return [outcome for lyric in batch for outcome in self._outcomes(lyric)]

    def _outcomes(self, lyric):
        vector = (0.5,) * 256
        good = Analysis(lyric.key, self.provenance, lyric.content_hash, {"said": 1}, 0.5, 0.5, vector)
        failed = Failure("analyze/algorithmic/2.0.0", lyric.key, "answer_refused", "no", "another text")
        wrong = {
            "raises": lambda: 1 / 0,
            "ends the process": lambda: exit(1),
            "gives none": lambda: [],
            "gives two": lambda: [good, good],
            "gives another's": lambda: [replace(good, key="999999")],
            "gives a word": lambda: ["good"],
            "NaN in its vector": lambda: [replace(good, embedding=(math.nan,) * 256)],
            "too large a vector": lambda: [replace(good, embedding=(65_505.0,) * 256)],
            "too short a vector": lambda: [replace(good, embedding=(0.5,))],
            "no JSON": lambda: [replace(good, data={"said": {1}})],
            "NaN in its JSON": lambda: [replace(good, data={"said": math.nan})],
            "out of range": lambda: [replace(good, sentiment=-2)],
            "no number": lambda: [replace(good, confidence="high")],
            "no date": lambda: [replace(good, seconds=1e300)],
            "another analyzer": lambda: [replace(good, provenance=Provenance("algorithmic", "2.0.0"))],
            "another text": lambda: [replace(good, content_hash="another")],
            "fails": lambda: [failed],
            "odd characters": lambda: [replace(good, data={"said": "\\x00\\ud800"})],
        }
        return wrong.get(lyric.title, lambda: [good])()
"""
STORED = {"good": 1, "also good": 1, "odd characters": "\ufffd\ufffd"}
FAILED = (
    "raises", "ends the process", "gives none", "gives two", "gives another's", "gives a word", "NaN in its vector",
    "too large a vector", "too short a vector", "no JSON", "NaN in its JSON", "out of range", "no number", "no date",
    "another analyzer", "another text",
)  # fmt: skip


@pytest.fixture(scope="module")
def theirs(shared_ray: SharedRay[Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The package, where the workers of a connection made after this find it too: in the folder it is made from."""
    folder = tmp_path_factory.mktemp("packages")
    raylets = shared_ray.cluster()
    raylets.disconnect()
    with pytest.MonkeyPatch.context() as patch:
        install(patch, folder, "theirs", code=CODE)
        install(patch, folder, "other", code=CODE.replace('"2.0"', '"2.1"'))
        install(
            patch,
            folder,
            "unmade",
            code="class Class:\n    def __init__(self, *_):\n        raise OSError('no file')",
        )
        patch.chdir(folder)
        raylets.connect()
        yield
        raylets.disconnect()


def test_broken_analyzer_isolates_failures(job_settings: Settings, database_url: str) -> None:
    """Each bad outcome is a failure of its own lyric and analyzer; the others are stored, and again nothing is due."""
    titles = ["good", *FAILED, "fails", "also good", "odd characters"]
    store(database_url, [fetched(str(n), title, f"line {n}") for n, title in enumerate(titles)])
    jobs = job_settings.jobs.model_copy(update={"max_attempts": 1})
    settings = job_settings.model_copy(update={"jobs": jobs})
    first = analyze(settings, ["theirs"])
    assert (first.new, first.failed, first.stopped) == (len(STORED), len(FAILED) + 1, {})
    found = {key: row["data"]["said"] for key, row in results_of(database_url).items()}
    assert found == {("theirs", title): said for title, said in STORED.items()}
    wanted = dict.fromkeys(FAILED, "analysis_failed") | {"fails": "answer_refused"}
    assert failures_of(database_url) == {("theirs", title): code for title, code in wanted.items()}
    again = analyze(settings, ["theirs"])
    assert (again.new, again.unchanged, again.failed) == (0, len(STORED), len(FAILED) + 1)


@pytest.mark.parametrize("name", ["other", "unmade"])
def test_unusable_analyzer_spares_others(job_settings: Settings, database_url: str, name: str) -> None:
    """Its tracks are due as before, and the report says why."""
    store(database_url, [fetched(str(n), f"song {n}", f"line {n}") for n in range(3)])
    done = analyze(job_settings, [name, "algorithmic"])
    assert (done.new, done.held, done.failed) == (3, 3, 0)
    assert list(done.stopped) == [name]
    assert "3 analyzer_broken" in str(done.stopped[name])
    assert failures_of(database_url) == {}
