"""Embedding and analysing as Ray Data jobs on a real Ray and a real PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import psycopg
import pyarrow as pa
import pytest
import ray

from rapray.analyzers.base import Needs
from rapray.config import EmbeddingSettings, Settings
from rapray.domain import Lyric, embed_stage
from rapray.embeddings.builtin import MODEL
from rapray.embeddings.passages import is_searchable
from rapray.errors import JobAlreadyRunning, UnknownAnalyzer, UsageError
from rapray.pipelines import plan
from rapray.pipelines.analyze import analyze
from rapray.pipelines.embed import embed
from rapray.pipelines.job import job
from rapray.pipelines.lyrics import read_due_lyrics
from rapray.pipelines.records import from_table, to_table
from rapray.samples.corpus import songs
from rapray.store import due, runs
from rapray.store.due import DueEmbeddings
from rapray.store.models import register_model
from rapray.store.pool import connect
from rapray.store.scope import NamedScope
from rapray.text.cleaning.lyrics import clean_lyrics
from rapray.text.sections import split_sections
from tests.support.collection import song_of, store
from tests.support.ray_cluster import RayCluster

pytestmark = [pytest.mark.slow("runs whole jobs"), pytest.mark.ray, pytest.mark.usefixtures("cluster")]
TRACKS = 40


def stored(database_url: str, count: int = TRACKS) -> None:
    """The first sample songs as tracks."""
    store(database_url, map(song_of, songs()[:count]))


def scalar(database_url: str, statement: str) -> int:
    """The one number that a statement gives."""
    with psycopg.connect(database_url) as conn:
        row = conn.execute(statement).fetchone()  # pyright: ignore
    assert row is not None
    return int(row[0])


def test_analyze_rerun_changes_nothing(job_settings: Settings, database_url: str) -> None:
    """The first run writes one result a track, the second none; both say so."""
    stored(database_url)
    first = analyze(job_settings, ["algorithmic"])
    assert (first.new, first.unchanged, first.failed) == (TRACKS, 0, 0)
    second = analyze(job_settings, ["algorithmic"])
    assert (second.new, second.unchanged, second.failed) == (0, TRACKS, 0)
    assert scalar(database_url, "SELECT count(*) FROM analysis_results") == TRACKS


def test_analyze_changed_text_due(job_settings: Settings, database_url: str) -> None:
    """A new content hash is the only thing that makes a stored result stale."""
    stored(database_url, 20)
    analyze(job_settings, ["algorithmic"])
    with psycopg.connect(database_url) as conn:
        conn.execute(
            "UPDATE tracks SET content_hash = repeat('0', 32) WHERE id = (SELECT min(id) FROM tracks)"
        )
    again = analyze(job_settings, ["algorithmic"])
    assert (again.new, again.unchanged) == (1, 19)


def test_analyze_limit_leaves_rest(job_settings: Settings, database_url: str) -> None:
    """`--limit` stops after so many tracks; another run goes on where it stopped."""
    stored(database_url, 30)
    assert analyze(job_settings, ["algorithmic"], limit=10).new == 10
    assert analyze(job_settings, ["algorithmic"]).new == 20


def test_analyze_where_narrows_tracks(job_settings: Settings, database_url: str) -> None:
    """The filter goes down to the readers; what it leaves out stays due, and is in no count."""
    stored(database_url)
    name = songs()[0].artist
    wanted = sum(song.artist == name for song in songs()[:TRACKS])
    assert 0 < wanted < TRACKS
    filters = NamedScope(artists=(name,))
    first = analyze(job_settings, ["algorithmic"], where=filters)
    assert (first.new, first.unchanged) == (wanted, 0)
    again = analyze(job_settings, ["algorithmic"], where=filters)
    assert (again.new, again.unchanged) == (0, wanted)
    assert analyze(job_settings, ["algorithmic"]).new == TRACKS - wanted
    with pytest.raises(UsageError, match="Nobody"):
        analyze(job_settings, ["algorithmic"], where=NamedScope(artists=("Nobody",)))


def test_analyze_failures_until_dead(job_settings: Settings, database_url: str) -> None:
    """A failure is in the report while it is due again and after its last attempt; the others are done."""
    stored(database_url, 16)
    with psycopg.connect(database_url) as conn:
        conn.execute(
            "UPDATE tracks SET lyrics = '…', sections = '[]' WHERE id = (SELECT min(id) FROM tracks)"
        )
    reports = [analyze(job_settings, ["algorithmic"]) for _ in range(job_settings.jobs.max_attempts + 1)]
    assert [report.failed for report in reports] == [1] * len(reports)
    assert [report.new + report.unchanged for report in reports] == [15] * len(reports)
    dead = "SELECT count(*) FROM dead_letters WHERE is_dead AND code = 'lyrics_empty'"
    assert scalar(database_url, dead) == 1


def test_analyze_rejects_unknown_analyzer(job_settings: Settings, database_url: str) -> None:
    """A typing error costs nothing."""
    with pytest.raises(UnknownAnalyzer, match="algorithmic"):
        analyze(job_settings, ["algorithmic", "algoritmic"])
    assert scalar(database_url, "SELECT count(*) FROM runs") == 0


def test_embed_vectors_unit_length(job_settings: Settings, database_url: str) -> None:
    """Each track has a whole-track vector and one a section that says something, all of length one."""
    stored(database_url, 20)
    assert embed(job_settings).new == 20
    assert scalar(database_url, "SELECT count(*) FROM lyric_embeddings WHERE passage = 0") == 20
    texts = [" ".join(s.lines) for song in songs()[:20] for s in split_sections(clean_lyrics(song.lyrics))]
    sections = sum(map(is_searchable, texts))
    assert scalar(database_url, "SELECT count(*) FROM lyric_embeddings WHERE passage > 0") == sections
    off_length = "SELECT count(*) FROM lyric_embeddings WHERE abs(l2_norm(embedding) - 1) > 0.002"
    assert scalar(database_url, off_length) == 0
    assert embed(job_settings).as_json() == {"new": 0, "unchanged": 20, "failed": 0}


def test_second_job_is_refused(job_settings: Settings) -> None:
    """Two runs of one job on one database would do the work twice."""
    with job("embed", job_settings, {}), pytest.raises(JobAlreadyRunning, match="embed"):
        embed(job_settings)


def test_analyze_beside_other_analyzer(job_settings: Settings, database_url: str) -> None:
    """Hours of one analyzer keep none of the others waiting; the same one is refused by its name."""
    stored(database_url, 4)
    with job("analyze", job_settings, {"analyzers": ["qwen"]}, shares=("analyzers", ["qwen"])):
        assert analyze(job_settings, ["algorithmic"]).new == 4
    with (
        job("analyze", job_settings, {"analyzers": ["algorithmic"]}, shares=("analyzers", ["algorithmic"])),
        pytest.raises(JobAlreadyRunning, match="analyze/algorithmic"),
    ):
        analyze(job_settings, ["algorithmic"])


def test_run_row_shows_outcome(job_settings: Settings, database_url: str) -> None:
    """A run that raised is stored as failed, with the error; one that finished with its counts."""
    with pytest.raises(ZeroDivisionError), job("embed", job_settings, {}):
        _ = 1 // 0
    stored(database_url, 16)
    analyze(job_settings, ["algorithmic"])
    with connect(database_url, application_name="test") as conn:
        ended = {run.job: (run.state, run.error, dict(run.counts)) for run in runs.list_(conn)}
    assert ended["embed"][:2] == ("failed", "ZeroDivisionError: integer division or modulo by zero")
    assert ended["analyze"][0] == "succeeded"
    assert ended["analyze"][2]["new"] == 16


class Echo:
    """A stage that hands on what it gets."""

    def __call__(self, block: pa.Table) -> pa.Table:
        """The same records."""
        return to_table([(lyric.key, lyric) for lyric in from_table(block)])


def test_plan_keeps_read_separate(database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The read stays its own tasks in front of a fixed pool: a fused read would take the actors' CPUs."""
    stage = plan.Stage(Echo, {}, 16, 2, 0.75)
    dataset = plan.dataset(database_url, read_due_lyrics, [object(), object()], stage, readers=2)
    dataset.explain()
    _, _, optimized = capsys.readouterr().out.rpartition("Physical Plan (Optimized)")
    operators = [line.strip(" +-") for line in optimized.splitlines() if "[" in line]
    assert operators == [
        "ActorPoolMapOperator[MapBatches(Echo)]",
        "TaskPoolMapOperator[ReadDueRows]",
        "InputDataBuffer[Input]",
    ]


class OnGpu:
    """A stage that gives each lyric the GPUs of its worker as a title."""

    def __call__(self, block: pa.Table) -> pa.Table:
        """The same lyrics."""
        return to_table([(r.key, replace(r, title=str(ray.get_gpu_ids()))) for r in from_table(block)])


def test_model_runs_on_gpu(job_settings: Settings, database_url: str, cluster: RayCluster) -> None:
    """Where a node has a GPU, an actor of a model asks for it by default; on `gpus: 0` it does not."""
    stored(database_url, 8)
    with connect(database_url, application_name="test") as conn:
        query = DueEmbeddings(register_model(conn, MODEL), embed_stage(MODEL))
        ranges = due.due_ranges(conn, query, 4)

    def gpus_of_workers(settings: EmbeddingSettings) -> set[str]:
        needs = Needs(gpu=settings.gpus_needed)
        stage = plan.computing(job_settings, OnGpu, {}, 4, needs=needs)
        reader = partial(read_due_lyrics, query=query)
        rows = plan.dataset(database_url, reader, ranges, stage, readers=1)
        blocks = rows.iter_batches(batch_size=None, batch_format="pyarrow")
        return {lyric.title for block in blocks for lyric in from_table(block)}

    assert gpus_of_workers(EmbeddingSettings()) == {"[]"}
    with cluster.other_raylets([3], gpus=1):
        assert gpus_of_workers(EmbeddingSettings()) == {"[0]"}
        assert gpus_of_workers(EmbeddingSettings(gpus=0.5)) == {"[0]"}
        assert gpus_of_workers(EmbeddingSettings(gpus=0)) == {"[]"}
        assert embed(job_settings.model_copy(update={"embedding": EmbeddingSettings(gpus=1)})).new == 8


def test_records_survive_blocks() -> None:
    """Every field of a record is the same after a block, whatever it holds."""
    lyric = Lyric("7", "[Verse]\nline ✓", split_sections("[Verse]\nline ✓"), "0" * 32, language=None)
    remote = ray.remote(lambda block: to_table([("7", from_table(block)[0])]))
    assert from_table(ray.get(remote.remote(to_table([("7", lyric)])))) == [lyric]
