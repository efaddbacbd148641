"""A small collection in a real database, stored, embedded and analysed by the real parts; and the application over it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice

import httpx
import pytest
from pydantic import SecretStr

from rapray.analyzers.algorithmic import AlgorithmicAnalyzer
from rapray.config import (
    AnalyzeSettings,
    DatabaseSettings,
    EmbeddingSettings,
    RedisSettings,
    ServeSettings,
    Settings,
)
from rapray.config.llm import LlmSettings
from rapray.domain import (
    Analysis,
    Artist,
    FetchResult,
    Lyric,
    LyricVectors,
    Outcome,
    SongRef,
    Track,
    embed_stage,
)
from rapray.embedded import Endpoints
from rapray.embeddings import Embedder, embed_lyrics, load_embedder
from rapray.samples.corpus import SampleSong, songs
from rapray.store import runs, tracks
from rapray.store.analyses import write_analyses
from rapray.store.models import register_model
from rapray.store.pool import connect
from rapray.store.vectors import write_embeddings
from rapray.text.fingerprint import content_hash
from rapray.text.sections import split_sections
from tests.support.collection import song_of, store
from tests.support.databases import create_database, with_database
from tests.support.hostile import HostileServer, describing, says
from tests.support.llm_server import API_KEY, SHORT_ANSWERS, LanguageModelServer
from tests.support.ray_cluster import SharedRay
from tests.support.serving import free_port

COMPUTING = ("algorithmic", "emotion")
REAL, CANNED = "gemma", ("qwen", "ollama", "local")
HASTY = "hasty"  # a provider by configuration only, whose answers are always cut
IDLE_S, TOTAL_S, HEAD_S = 2.0, 6.0, 3.0  # what a slow client has: tests wait for the end of each
_numbers = itertools.count()
KEYLESS = "keyless"  # another one, which needs a key and has none


@dataclass(frozen=True)
class Collection:
    """What is stored, and the settings that lead to it."""

    settings: Settings
    ids: dict[str, int]
    embedder: Embedder


@dataclass(frozen=True)
class ServedApplication:
    """The application of a run: where it listens, its settings, and the tracks that jobs stored and analysed before."""

    address: str
    settings: Settings
    ids: dict[str, int]  # by title

    def client(self) -> httpx.Client:
        """Return a client with the patience that a language model on a busy machine takes."""
        return httpx.Client(base_url=self.address, timeout=600)


@pytest.fixture
def served_app(
    shared_ray: SharedRay[ServedApplication],
    servers: Endpoints,
    template_database: str,
    language_model: LanguageModelServer,
) -> ServedApplication:
    """The one application of a run, with every analyzer and impatient with slow clients: tests only ask it."""
    pytest.importorskip("torch", reason="the embeddings extra is not installed")
    pytest.importorskip("openai", reason="the llm extra is not installed")
    return shared_ray.app(lambda: _served(servers, template_database, language_model.base_url))


@contextmanager
def _served(servers: Endpoints, template: str, model_url: str) -> Iterator[ServedApplication]:
    """Serve six songs that jobs have stored, embedded and analysed.

    Behind `gemma` stands a real model, behind the other presets a server that answers at once. Tests of jobs and of the analyzer
    ask the real model as `qwen` and `ollama`.
    """
    from rapray.pipelines.analyze import analyze
    from rapray.pipelines.embed import embed
    from rapray.serve.app import served

    assert servers.redis_url is not None
    url = create_database(servers.database_url, f"served_{next(_numbers)}", template=template)
    with (
        HostileServer(describing) as canned,
        HostileServer(says('{"summary": "A n', finish="length")) as cutting,
    ):
        settings = Settings(
            database=DatabaseSettings(url=SecretStr(url)),
            redis=RedisSettings(url=SecretStr(with_database(servers.redis_url, 0))),
            analyze=AnalyzeSettings(deadline_s=600),
            serve=ServeSettings(
                port=free_port(), head_timeout_s=HEAD_S, body_idle_timeout_s=IDLE_S, body_timeout_s=TOTAL_S
            ),
            llm=_providers(model_url, canned.base_url, cutting.base_url),
        )
        ids = store(
            url, [song_of(song) for song in islice((s for s in songs() if s.duplicate_of is None), 6)]
        )
        assert embed(settings).new == len(ids)
        assert analyze(settings, COMPUTING).new == len(ids) * len(COMPUTING)
        with served(settings) as address:
            yield ServedApplication(address, settings, ids)
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{address}/livez")


def _providers(real: str, canned: str, cutting: str) -> LlmSettings:
    """The presets and two more; room for the longest answer of the real model, so that it is not cut."""
    model = {
        "base_url": real,
        "api_key": API_KEY,
        "extra_body": SHORT_ANSWERS,
        "timeout_s": 600,
        "max_output_tokens": 3000,
    }
    quick = {"base_url": canned, "needs_key": False, "logprobs": False}
    hasty = {**quick, "base_url": cutting, "model": "any"}
    keyless = {"base_url": canned, "model": "any", "needs_key": True}
    providers = {REAL: model, **dict.fromkeys(CANNED, quick), HASTY: hasty, KEYLESS: keyless}
    return LlmSettings.model_validate({"providers": providers})


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    """The built-in model."""
    pytest.importorskip("torch", reason="the embeddings extra is not installed")
    return load_embedder(EmbeddingSettings())


@dataclass(frozen=True)
class _Results:
    chosen: list[SampleSong]
    vectors: dict[str, LyricVectors]  # by title
    analyses: dict[str, Analysis]


@pytest.fixture(scope="session")
def results(embedder: Embedder) -> _Results:
    """Six sample songs, embedded and analysed once for all tests."""
    chosen = list(islice((song for song in songs() if song.duplicate_of is None), 6))
    lyrics = [
        Lyric(s.title, s.lyrics, split_sections(s.lyrics), content_hash(s.lyrics), s.title) for s in chosen
    ]
    vectors = {v.key: v for v in embed_lyrics(embedder, lyrics) if isinstance(v, LyricVectors)}
    analyses = {a.key: a for a in AlgorithmicAnalyzer().analyze(lyrics) if isinstance(a, Analysis)}
    assert len(vectors) == len(analyses) == len(chosen)
    return _Results(chosen, vectors, analyses)


@pytest.fixture
def collection(database_url: str, redis_url: str, embedder: Embedder, results: _Results) -> Collection:
    """Six sample songs in the database, as the jobs would have left them."""
    with connect(database_url, application_name="test") as conn:
        run_id = runs.start(conn, "test", {})
        fetched = [_fetched(song) for song in results.chosen]
        tracks.write_fetched(conn, run_id, fetched, max_attempts=3, retry_delay_s=1)
        tracks.group_duplicates(conn)
        ids: dict[str, int] = dict(conn.execute("SELECT title, id FROM tracks").fetchall())
        model_id, dimension = register_model(conn, embedder.model), embedder.model.dimension or 0
        vectors = [replace(results.vectors[title], key=str(i)) for title, i in ids.items()]
        write_embeddings(conn, run_id, model_id, dimension, vectors, stage=embed_stage(embedder.model))
        write_analyses(
            conn, run_id, [replace(results.analyses[title], key=str(i)) for title, i in ids.items()]
        )
    settings = Settings.model_validate(
        {"database": DatabaseSettings(url=database_url), "redis": RedisSettings(url=redis_url)}
    )
    return Collection(settings, ids, embedder)


def _fetched(song: SampleSong) -> FetchResult:
    artist = Artist("genius", str(song.artist_id), song.artist)
    url = f"https://genius.example/{song.id}"
    track = Track(
        source="genius",
        source_id=str(song.id),
        title=song.title,
        artist=artist,
        lyrics=song.lyrics,
        sections=split_sections(song.lyrics),
        content_hash=content_hash(song.lyrics),
        url=url,
        language="en",
        album=song.album,
        release_date=song.release_date if isinstance(song.release_date, date) else None,
        release_year=song.release_date.year,
    )
    return FetchResult(SongRef("genius", str(song.id), url, song.title, artist), Outcome.LYRICS, track)
