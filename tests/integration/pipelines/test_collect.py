"""Collecting the sample site as a Ray Data job, on one raylet and several: every outcome, resume, politeness."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
import ray
from pydantic import SecretStr

from rapray.config import GeniusSettings, RedisSettings, Settings
from rapray.domain import Outcome
from rapray.embedded import Endpoints, refuse_on_cluster
from rapray.errors import EmbeddedOnCluster, SourceArtistNotFound, SourceAuthError
from rapray.pipelines.analyze import analyze
from rapray.pipelines.collect import collect
from rapray.pipelines.embed import embed
from rapray.samples.corpus import artists, songs
from rapray.samples.site import DIFFICULT_ARTIST_ID, EXPECTED, SampleSite
from tests.support.broken_server import Behaviour, answers, broken_server, hangs
from tests.support.ray_cluster import RayCluster

pytestmark = [pytest.mark.slow("runs whole jobs"), pytest.mark.ray, pytest.mark.usefixtures("cluster")]


def genius(settings: Settings, site: SampleSite, **changes: Any) -> Settings:
    """Settings that collect from the sample site."""
    wanted: dict[str, Any] = {
        "token": SecretStr(site.token),
        "api_url": f"{site.url}/api",
        "web_url": site.url,
        "requests_per_second": 200,
        "burst": 20,
        "timeout_s": 2,
        "max_retries": 1,
        "max_retry_wait_s": 3,
    }
    return settings.model_copy(update={"genius": GeniusSettings(**(wanted | changes))})


def rows(database_url: str, statement: str) -> list[tuple[Any, ...]]:
    """What a query gives."""
    with psycopg.connect(database_url) as conn:
        return conn.execute(statement).fetchall()  # pyright: ignore


def test_collect_page_outcomes(job_settings: Settings, database_url: str) -> None:
    """Each song is a track, or a row that names why it is none; a second run changes nothing."""
    with SampleSite() as site:
        settings = genius(job_settings, site)
        names = [*(str(artist.id) for artist in artists()), str(DIFFICULT_ARTIST_ID)]
        first = collect(settings, names)
        again = collect(settings, names)
    ended = dict(rows(database_url, "SELECT source_id, outcome FROM crawl"))
    assert {int(key): Outcome(value) for key, value in ended.items() if int(key) in EXPECTED} == EXPECTED
    assert {key for key, value in ended.items() if value == "lyrics"} == {
        key for (key,) in rows(database_url, "SELECT source_id FROM tracks")
    }
    assert {str(song.id) for song in songs()} <= {
        key for (key,) in rows(database_url, "SELECT source_id FROM tracks")
    }
    assert rows(database_url, "SELECT 1 FROM tracks WHERE lyrics !~ '\\w'") == []
    total = first.new + first.failed + sum(first.rejected.values())
    assert total == len(ended)
    assert (again.new, again.unchanged, again.rejected, again.failed) == (
        0,
        first.new,
        first.rejected,
        first.failed,
    )


def test_duplicate_texts_are_grouped(job_settings: Settings, database_url: str) -> None:
    """A single and its album version with other punctuation stand for one text."""
    marked = {song.duplicate_of for song in songs() if song.duplicate_of}
    assert marked
    wanted = sorted({song.artist_id for song in songs() if song.id in marked})
    with SampleSite(faults=False) as site:
        collect(genius(job_settings, site), [str(artist) for artist in wanted])
    groups = rows(
        database_url,
        "SELECT min(t.source_id), count(*) FROM tracks t LEFT JOIN duplicates d ON d.track_id = t.id "
        "GROUP BY coalesce(d.leader_id, t.id) HAVING count(*) > 1",
    )
    assert {int(first) for first, _ in groups} == marked


def with_fetchers(settings: Settings, fetchers: int) -> Settings:
    """The settings with so many fetchers at once."""
    jobs = settings.jobs.model_copy(update={"fetchers": fetchers})
    return settings.model_copy(update={"jobs": jobs})


def test_throttled_host_slows_workers(job_settings: Settings) -> None:
    """After one 429 with Retry-After, no worker sends anything to the host until then."""
    with SampleSite(faults=False, requests_per_second=8) as site:
        several = with_fetchers(job_settings, 3)
        settings = genius(several, site, requests_per_second=40, burst=1, max_retries=5)
        report = collect(settings, ["1001", "1002"])
        requests = site.requests
    refused = [request for request in requests if request.status == 429]
    assert refused, "the client was never too fast"
    assert report.failed == 0
    for refusal in refused:
        # A request that had its place before the refusal may be on its way: at most one a worker.
        soon = [r for r in requests if 0 < r.at - refusal.at < 0.9]
        assert len(soon) <= settings.jobs.fetchers


def test_fetchers_share_rate_limit(job_settings: Settings) -> None:
    """However many fetchers there are, the host sees the configured rate."""
    with SampleSite(faults=False) as site:
        several = with_fetchers(job_settings, 3)
        collect(genius(several, site, requests_per_second=10, burst=1), ["1001"])
        at = [request.at for request in site.requests if not request.path.startswith("/api")]
    assert len(at) >= 6
    assert (len(at) - 1) / (max(at) - min(at)) <= 10 * 1.15


@pytest.mark.parametrize("behaviour", [hangs, answers(b"HTTP/1.1 400 Bad Request\r\n\r\n")])
def test_collect_without_usable_redis(
    job_settings: Settings, database_url: str, behaviour: Behaviour
) -> None:
    """A server at Redis's address that hangs or is not Redis counts as none: PostgreSQL keeps the rate, and nothing fails."""
    with SampleSite(faults=False) as site, broken_server(behaviour) as url:
        redis = RedisSettings(url=SecretStr(url), timeout_s=0.5)
        settings = genius(job_settings, site, requests_per_second=50).model_copy(update={"redis": redis})
        report = collect(settings, ["Mara Quill"])
    assert report.new >= 6
    assert report.failed == 0
    assert rows(database_url, "SELECT count(*) > 0 FROM rate_limits") == [(True,)]


def test_jobs_on_several_raylets(job_settings: Settings, database_url: str, cluster: RayCluster) -> None:
    """Collect, embed and analyze one artist away from the driver's raylet; every track has vectors and a result."""
    with SampleSite(faults=False) as site, cluster.other_raylets(cpus=(1, 1)):
        assert len([node for node in ray.nodes() if node["Alive"]]) == 3
        settings = genius(job_settings, site)
        new = collect(settings, ["Mara Quill"]).new
        assert new >= 6
        assert embed(settings).new == new
        assert analyze(settings, ["algorithmic"]).new == new
    assert rows(database_url, "SELECT count(*) FROM dead_letters") == [(0,)]


def test_collect_rejects_unknown_artist(job_settings: Settings, database_url: str) -> None:
    """A typing error in the last name costs no request for a page."""
    with SampleSite(faults=False) as site:
        with pytest.raises(SourceArtistNotFound, match="Marra Quil"):
            collect(genius(job_settings, site), ["Mara Quill", "Marra Quil"])
        assert not [r for r in site.requests if not r.path.startswith(("/api", "/robots"))]
    assert rows(database_url, "SELECT count(*) FROM crawl") == [(0,)]


def test_collect_wrong_token_explained(job_settings: Settings) -> None:
    """The message names what to mend."""
    with SampleSite(faults=False) as site, pytest.raises(SourceAuthError, match="RAPRAY_GENIUS__TOKEN"):
        collect(genius(job_settings, site, token=SecretStr("wrong")), ["1001"])


def test_embedded_database_single_host(servers: Endpoints) -> None:
    """An embedded server is reached from its own host alone; saying so beats a time-out on each node."""
    refuse_on_cluster(servers, [node["NodeManagerAddress"] for node in ray.nodes()])
    with pytest.raises(EmbeddedOnCluster, match="RAPRAY_DATABASE__URL"):
        refuse_on_cluster(servers, ["10.0.0.1", "10.0.0.2"])
