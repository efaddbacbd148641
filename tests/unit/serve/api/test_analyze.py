"""`/analyze` in its three forms, over services in memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import httpx
import pytest

from rapray.analyzers.algorithmic import AlgorithmicAnalyzer
from rapray.domain import Analysis, Failure, Lyric, Provenance
from rapray.errors import Overloaded
from rapray.serve.api import create_app, fanout, stream
from rapray.serve.backend import Answer, TrackDetail
from rapray.serve.limits import MAX_BATCH_TEXTS
from rapray.serve.memory import MemoryServices
from rapray.serve.problems import of_code
from rapray.text.fingerprint import content_hash
from tests.support.request_limits import request_limits

LIMITS = request_limits()
Make = Callable[..., TrackDetail]


def counting(name: str) -> Callable[[Lyric], Analysis]:
    """An analyzer that counts characters."""
    return lambda lyric: Analysis(
        lyric.key, Provenance(name, "1.0.0"), lyric.content_hash, {"n": len(lyric.lyrics)}, embedding=(1.0,)
    )


def failing(lyric: Lyric) -> Failure:
    """An analyzer that always says why it cannot."""
    return Failure("analyze/failing/1.0.0", lyric.key, "analysis_failed", "no", lyric.content_hash)


@pytest.fixture
def memory(make_track: Make) -> MemoryServices:
    """Three tracks, two analyzers that answer, one that fails and two that are not served."""
    analyzers = {"a": counting("a"), "b": counting("b"), "failing": failing}
    unserved = {"qwen": of_code("provider_not_configured"), "later": of_code("analyzer_not_served")}
    return MemoryServices([make_track(i) for i in (1, 2, 3)], analyzers, limits=LIMITS, unserved=unserved)


def opened(services: MemoryServices) -> httpx.AsyncClient:
    """A client of an app over the services."""
    transport = httpx.ASGITransport(create_app(services), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://rapray.test")


def events_of(text: str) -> list[tuple[str, Any]]:
    """Server-sent events as names and parsed data."""
    blocks = [
        dict(line.split(": ", 1) for line in block.splitlines()) for block in text.split("\n\n") if block
    ]
    return [(block["event"], json.loads(block["data"])) for block in blocks]


async def test_analyze_all_names_unserved(memory: MemoryServices) -> None:
    """The word "all" is every known analyzer; one that is not set up is a problem with its own code."""
    async with opened(memory) as client:
        answer = (await client.post("/analyze", json={"lyrics": "one line", "analyzers": "all"})).json()
    assert set(answer["results"]) == {"a", "b"}
    codes = {name: problem["code"] for name, problem in answer["problems"].items()}
    assert codes == {
        "failing": "analysis_failed",
        "qwen": "provider_not_configured",
        "later": "analyzer_not_served",
    }


async def test_analyze_cache_header(memory: MemoryServices) -> None:
    """One new answer among the old makes the whole a miss; a failure is never kept."""
    async with opened(memory) as client:

        async def state(*names: str) -> str:
            answer = await client.post("/analyze", json={"lyrics": "one line", "analyzers": [*names]})
            return answer.headers["x-cache"]

        assert [await state("a"), await state("a"), await state("a", "b"), await state("a", "b")] == [
            "miss",
            "hit",
            "miss",
            "hit",
        ]
        assert [await state("a", "failing"), await state("a", "failing")] == ["miss", "miss"]


SYNCED = "[ti:Song]\n[00:10.00]city never money\n[00:12.00]light light the money\n[00:13.00]"
PLAIN = "city never money\nlight light the money"


async def test_analyze_synced_text_pace() -> None:
    """Stamps are no words; what is known of the time decides which answer is kept and found again."""
    services = MemoryServices((), {"algorithmic": lambda lyric: AlgorithmicAnalyzer().analyze([lyric])[0]})
    bodies = [{"lyrics": SYNCED}, {"lyrics": PLAIN}, {"lyrics": PLAIN, "duration_seconds": 5.5}]
    async with opened(services) as client:
        answers = [await client.post("/analyze", json=body) for body in bodies]
        assert [answer.headers["x-cache"] for answer in answers] == ["miss"] * 3
        again = [await client.post("/analyze", json=body) for body in bodies]
        assert [(answer.headers["x-cache"], answer.json()) for answer in again] == [
            ("hit", answer.json()) for answer in answers
        ]
        batch = (await client.post("/analyze/batch", json={"items": bodies})).json()["items"]
        events = events_of((await client.post("/analyze/stream", json=bodies[0])).text)
    found = [answer.json() for answer in answers]
    assert [one["answer"] for one in batch] == found
    assert events[0][1]["result"] == found[0]["results"]["algorithmic"]
    assert len({one["content_hash"] for one in found}) == 3
    assert found[1]["content_hash"] == content_hash(PLAIN)
    assert [one["sections"] for one in found] == [found[0]["sections"]] * 3
    flows = [one["results"]["algorithmic"]["data"]["flow"] for one in found]
    assert [flow["syllables_per_second"] for flow in flows] == [3.666667, None, 2.0]
    assert [flow.get("syllables_per_second_from") for flow in flows] == ["synced", None, "duration"]


@pytest.mark.parametrize("blames_text", [False, True])
async def test_analyze_failure_blames_text(make_track: Make, blames_text: bool) -> None:
    """The caller hears of it either way; only the text's own failure may be written down."""

    def held(lyric: Lyric) -> Failure:
        return replace(failing(lyric), code="model_unavailable", blames_text=blames_text)

    services = MemoryServices([make_track(1)], {"held": held}, limits=LIMITS)
    (finding,) = (await fanout.analyze(services, Lyric("1", "a b", (), "hash"), ["held"])).findings
    assert finding.problem is not None
    assert (finding.problem.code, finding.failure is not None) == ("model_unavailable", blames_text)


async def test_analyze_store_writes_outcomes(memory: MemoryServices) -> None:
    """What failed is kept as a failure, and the answer names what is stored."""
    async with opened(memory) as client:
        body = {"track_id": 2, "analyzers": ["a", "failing", "later"], "store": True}
        answer = (await client.post("/analyze", json=body)).json()
    assert answer["stored"] == ["a"]
    assert set(memory.stored) == {("2", "a")}
    assert [(failure.key, failure.code) for failure in memory.failures] == [("2", "analysis_failed")]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/analyze", {"lyrics": "a b", "store": True}),
        ("/analyze/stream", {"lyrics": "a b", "store": True}),
        ("/analyze/batch", {"items": [{"track_id": 1}, {"lyrics": "a b"}], "store": True}),
        ("/analyze/batch", {"items": []}),
        ("/analyze/batch", {"items": [{"lyrics": "a"}] * (MAX_BATCH_TEXTS + 1)}),
        ("/analyze/batch", {"items": [{"lyrics": "a", "track_id": 1}]}),
        ("/analyze", {"lyrics": "a b", "analyzers": "some"}),
        ("/analyze", {"track_id": 1, "duration_seconds": 200}),
        ("/analyze/batch", {"items": [{"track_id": 1, "duration_seconds": 200}], "store": True}),
        ("/analyze", {"lyrics": "a b", "duration_seconds": 0.5}),
    ],
)
async def test_analyze_rejects_bad_body(memory: MemoryServices, path: str, body: dict[str, object]) -> None:
    """A text or a duration of the caller's own is never stored; a batch has 1 to 100 texts."""
    async with opened(memory) as client:
        answer = await client.post(path, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert memory.stored == {}


async def test_batch_isolates_each_text(memory: MemoryServices) -> None:
    """One text that cannot be read takes no other along, and the order is the caller's."""
    items: list[dict[str, object]] = [{"lyrics": "one"}, {"lyrics": "🔥"}, {"track_id": 99}, {"track_id": 1}]
    async with opened(memory) as client:
        answer = await client.post("/analyze/batch", json={"items": items, "analyzers": ["a", "failing"]})
    found = answer.json()["items"]
    assert [one["index"] for one in found] == [0, 1, 2, 3]
    assert {one["cache"] for one in found} == {"miss"}
    assert [one["problem"] and one["problem"]["code"] for one in found] == [
        None,
        "lyrics_empty",
        "track_not_found",
        None,
    ]
    assert found[0]["answer"]["results"]["a"]["data"] == {"n": 3}
    assert set(found[3]["answer"]["problems"]) == {"failing"}


async def test_batch_reports_cache_hits(memory: MemoryServices) -> None:
    """As `X-Cache` does of one text: the header of an answer is sent before its texts are looked at."""
    async with opened(memory) as client:
        await client.post("/analyze", json={"lyrics": "one", "analyzers": ["a"]})
        items = [{"lyrics": "one"}, {"lyrics": "two"}]
        answer = await client.post("/analyze/batch", json={"items": items, "analyzers": ["a"]})
    assert [one["cache"] for one in answer.json()["items"]] == ["hit", "miss"]


async def test_batch_limits_parallel_texts() -> None:
    """A hundred texts do not fill the analyzers' queues: never more than four are on their way."""
    busy, most = 0, 0

    class Watched(MemoryServices):
        async def analyze(self, name: str, lyric: Lyric) -> Answer:
            nonlocal busy, most
            busy += 1
            most = max(most, busy)
            await asyncio.sleep(0)
            busy -= 1
            return Answer(counting(name)(lyric))

    services = Watched((), {"a": counting("a")}, limits=LIMITS)
    async with opened(services) as client:
        answer = await client.post(
            "/analyze/batch", json={"items": [{"lyrics": f"line {i}"} for i in range(100)]}
        )
    assert all(one["answer"]["results"] for one in answer.json()["items"])
    assert 1 < most <= 4


async def test_stream_events_as_finished() -> None:
    """The fast answer is there before the slow one, whatever the order of the names."""
    slow_may_go = asyncio.Event()

    class Slow(MemoryServices):
        async def analyze(self, name: str, lyric: Lyric) -> Answer:
            if name == "slow":
                await slow_may_go.wait()
            else:
                asyncio.get_running_loop().call_later(0.05, slow_may_go.set)
            return Answer(counting(name)(lyric))

    names = ["slow", "fast"]
    services = Slow(
        (),
        {name: counting(name) for name in names},
        limits=LIMITS,
        unserved={"qwen": of_code("provider_not_configured")},
    )
    async with opened(services) as client:
        answer = await client.post(
            "/analyze/stream", json={"lyrics": "[Verse]\none", "analyzers": [*names, "qwen"]}
        )
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = events_of(answer.text)
    *at_once, last = [(name, data.get("analyzer")) for name, data in events[:-1]]
    assert (sorted(at_once), last) == ([("problem", "qwen"), ("result", "fast")], ("result", "slow"))
    name, done = events[-1]
    assert name == "done"
    assert (done["results"], done["problems"], done["stored"]) == (["fast", "slow"], ["qwen"], [])
    assert done["sections"][0]["lines"] == ["one"]


async def test_stream_rejects_bad_request(memory: MemoryServices) -> None:
    """What can be said before the first event is said with a status."""
    async with opened(memory) as client:
        answer = await client.post("/analyze/stream", json={"lyrics": "a b", "analyzers": ["nobody"]})
        assert (answer.status_code, answer.json()["code"]) == (422, "analyzer_unknown")
        answer = await client.post("/analyze/stream", json={"track_id": 99})
        assert (answer.status_code, answer.json()["code"]) == (404, "track_not_found")


async def test_stream_stores_results(memory: MemoryServices) -> None:
    """The last event names what is in the collection now."""
    async with opened(memory) as client:
        body = {"track_id": 1, "analyzers": ["a", "b"], "store": True}
        events = events_of((await client.post("/analyze/stream", json=body)).text)
    assert events[-1][1]["stored"] == ["a", "b"]
    assert set(memory.stored) == {("1", "a"), ("1", "b")}


@pytest.mark.parametrize(("path", "code"), [("/analyze", 504), ("/analyze/stream", 200)])
async def test_store_deadline_and_heartbeat(
    make_track: Make, monkeypatch: pytest.MonkeyPatch, path: str, code: int
) -> None:
    """A collection that does not take the results holds nobody for ever, and no proxy hangs up before."""

    class Stuck(MemoryServices):
        async def store(self, results: Sequence[Analysis], failures: Sequence[Failure]) -> list[str]:
            await asyncio.Event().wait()
            raise AssertionError

    monkeypatch.setattr(stream, "_SILENCE_S", 0.05)
    services = Stuck([make_track(1)], {"a": counting("a")}, limits=request_limits(0.5))
    async with opened(services) as client, asyncio.timeout(60):
        answer = await client.post(path, json={"track_id": 1, "store": True})
    assert answer.status_code == code
    assert '"deadline_exceeded"' in answer.text
    assert (": waiting" in answer.text) == (path == "/analyze/stream")


async def test_batch_overload_per_text() -> None:
    """A full queue is answered text by text; the batch itself is 200."""

    def full(_: Lyric) -> Analysis:
        raise Overloaded(what="The analyzer a", retry_after_s=7)

    async with opened(MemoryServices((), {"a": full}, limits=LIMITS)) as client:
        answer = await client.post("/analyze/batch", json={"items": [{"lyrics": "a b"}]})
    problem = answer.json()["items"][0]["answer"]["problems"]["a"]
    assert (answer.status_code, problem["code"], problem["retry_after_s"]) == (200, "overloaded", 7)
