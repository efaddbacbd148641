"""Lyrics that are too long for one request, and batches of them."""

from __future__ import annotations

import threading

from rapray.analyzers.llm.analyzer import LlmAnalyzer
from rapray.cache.gate import Pass
from rapray.domain import Analysis, Failure
from tests.support.hostile import HostileServer, answers, error, slow
from tests.support.qwen import TEXT, lyric, outcome, settings_for


def test_long_lyric_by_section() -> None:
    """Every line of it is in some request, and the figures are means."""
    lines = [f"line number {number} of a very long song about the city on my mind" for number in range(600)]
    text = "\n\n".join("\n".join(["[Verse]", "[laughs]", *lines[at : at + 20]]) for at in range(0, 600, 20))
    with HostileServer(answers(energy=2), answers(energy=8)) as server:
        settings = settings_for(server, context_tokens=12_000)
        (found,) = LlmAnalyzer(settings, "qwen").analyze([lyric(text)])
        asked = "\n".join(asked["messages"][1]["content"] for asked in server.asked)
    assert isinstance(found, Analysis), found
    assert found.data["reading"]["mode"] == "by_section"
    assert len(found.data["reading"]["parts"]) == found.data["reading"]["requests"] > 1
    assert all(line in asked for line in lines)
    assert asked.count("[laughs]") == text.count("[laughs]")
    assert 0.2 <= found.data["energy"] <= 0.8


def test_smaller_context_splits_lyric() -> None:
    """A server that refuses the whole lyric gets it in parts."""
    text = "\n\n".join(f"[Verse {n}]\n" + "\n".join([f"the city on my mind {n}"] * 40) for n in range(30))
    found = outcome(error(400, "maximum context length is 4096 tokens"), answers(), text=text, max_parts=100)
    assert isinstance(found, Analysis)
    assert found.data["reading"]["mode"] == "by_section"


def test_huge_lyric_fails_separately() -> None:
    """Too many parts is a failure, never a cut lyric; its neighbour has its answer."""
    huge, strange = "la " * 450_000, "\x00\x01\x02 \ufeff"
    with HostileServer(answers()) as server:
        batch = [lyric(huge, "1"), lyric(TEXT, "2"), lyric(strange, "3")]
        found = LlmAnalyzer(settings_for(server), "qwen").analyze(batch)
        assert len(server.asked) == 1
    assert [getattr(one, "code", "ok") for one in found] == ["lyrics_too_long", "ok", "lyrics_empty"]
    assert [one.key for one in found] == ["1", "2", "3"]


def test_batch_concurrency_is_bounded() -> None:
    """The order of a batch is kept, and concurrency bounded."""
    with HostileServer(slow(0.05)) as server:
        batch = [lyric(TEXT + f"\nline {n}", str(n)) for n in range(6)]
        found = LlmAnalyzer(settings_for(server, concurrency=3), "qwen").analyze(batch)
    assert [one.key for one in found] == [str(n) for n in range(6)]
    assert all(isinstance(one, Analysis) for one in found)


def test_slot_wait_without_pause() -> None:
    """Three actors share one slot of a healthy server that is slower than `max_wait_s`: all have their answer."""
    found: list[Analysis | Failure] = []
    with HostileServer(slow(0.4)) as server:
        analyzer = LlmAnalyzer(settings_for(server, concurrency=1, max_wait_s=0.1), "qwen")
        threads = [
            threading.Thread(target=lambda key=str(n): found.extend(analyzer.analyze([lyric(TEXT, key)])))
            for n in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
    assert [getattr(one, "code", "ok") for one in found] == ["ok"] * 3


def test_slot_wait_is_bounded() -> None:
    """The bound follows from the time-out of one request."""
    with HostileServer(slow(30)) as server:
        analyzer = LlmAnalyzer(settings_for(server, concurrency=1, timeout_s=0.1, max_retries=0), "qwen")
        gate = analyzer._caller._gate
        assert isinstance(gate.enter(1), Pass)  # of somebody who died: the lease is longer than the bound
        (found,) = analyzer.analyze([lyric()])
        assert len(server.asked) == 0
    assert isinstance(found, Failure)
    assert found.code == "provider_paused"
