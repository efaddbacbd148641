"""What does rapray cost a hosted model, against plain vLLM (`LLM.chat`) on the same prompts, in jobs and over HTTP?

The same prompts, the same bound answers of the small model that the tests use, the engine as rapray starts it, but
without prefix caching, which would give the later side the prompts of the earlier one for nothing. Tokens a second,
because answers differ a little in length; a repaired answer of the job counts with all its tokens. Needs what
`make vllm` installs.

    python -m benchmarks.hosted [--lyrics 24] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from benchmarks.database import fresh_database
from rapray.analyzers.llm.completions import request_of
from rapray.analyzers.llm.prompts import load_prompts
from rapray.analyzers.llm.providers import provider_of
from rapray.analyzers.llm.questions import Questions
from rapray.config import DatabaseSettings, RedisSettings, ServeSettings, Settings
from rapray.config.llm import HOSTED_PROVIDER, LlmSettings
from rapray.domain import Lyric
from rapray.samples.corpus import songs
from rapray.text.fingerprint import content_hash
from rapray.text.sections import split_sections
from tests.support.collection import song_of, store
from tests.support.hosted import model_folder
from tests.support.serving import free_port, local_ray

CONTEXT, LONGEST = 8192, 900
PENALTY = 0.5  # of frequency: the small model repeats itself without one
AT_ONCE = 32


@dataclass(frozen=True)
class Throughput:
    """What one side did."""

    seconds: float
    output_tokens: int

    @property
    def per_second(self) -> float:
        """Output tokens a second."""
        return self.output_tokens / self.seconds


def settings_for(database_url: str) -> Settings:
    """The model as `local`, the only analyzer that is served."""
    local = {
        "context_tokens": CONTEXT,
        "max_output_tokens": LONGEST,
        "timeout_s": 1800,
        "concurrency": AT_ONCE,
        "extra_body": {"frequency_penalty": PENALTY},
    }
    hosted = {"model": str(model_folder()), "engine": {"enable_prefix_caching": False}}
    return Settings(
        database=DatabaseSettings(url=SecretStr(database_url)),
        redis=RedisSettings(enabled=False),
        serve=ServeSettings(port=free_port(), analyzers=(HOSTED_PROVIDER,)),
        llm=LlmSettings.model_validate({"hosted": hosted, "providers": {HOSTED_PROVIDER: local}}),
    )


def requests_of(settings: Settings, lyrics: list[Lyric]) -> list[tuple[Any, dict[str, Any]]]:
    """What rapray asks about them first."""
    provider = provider_of(settings, HOSTED_PROVIDER)
    questions = Questions(HOSTED_PROVIDER, provider, load_prompts(settings.llm.prompts))
    return [request for lyric in lyrics for request in questions.first_requests(lyric)]


def plain(settings: Settings, requests: list[tuple[Any, dict[str, Any]]]) -> Throughput:
    """`LLM.chat` on all of them at once, in a process of its own, so that its memory is free again."""
    from rapray.hosting.deployment import llm_config

    config = llm_config(settings.llm.hosted, CONTEXT, AT_ONCE)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".json") as file:
        json.dump({"engine": config["engine_kwargs"], "requests": requests}, file)
        file.flush()
        command = [sys.executable, "-m", "benchmarks.hosted", "--plain", file.name]
        environment = os.environ | config["runtime_env"]["env_vars"]
        printed = subprocess.run(
            command, stdout=subprocess.PIPE, encoding="utf-8", check=True, env=environment
        ).stdout
    return Throughput(**json.loads(printed.strip().splitlines()[-1]))


def generate(file: Path) -> Throughput:
    """The plain side."""
    from vllm import LLM, SamplingParams
    from vllm.sampling_params import StructuredOutputsParams

    task = json.loads(file.read_text(encoding="utf-8"))
    requests, engine = task["requests"], LLM(str(model_folder()), **task["engine"])
    schema = requests[0][1]["response_format"]["json_schema"]["schema"]
    sampling = SamplingParams(
        temperature=0,
        max_tokens=LONGEST,
        frequency_penalty=PENALTY,
        logprobs=1,
        structured_outputs=StructuredOutputsParams(json=schema),
    )
    conversations = [messages for messages, _ in requests]
    engine.chat(conversations[:1], sampling, use_tqdm=False)  # compiles the grammar, touches the memory
    started = time.perf_counter()
    answers = engine.chat(conversations, sampling, use_tqdm=False)
    seconds = time.perf_counter() - started
    return Throughput(seconds, sum(len(answer.outputs[0].token_ids) for answer in answers))


@contextmanager
def served_model(settings: Settings) -> Generator[str]:
    """The ingress with the model behind it."""
    from rapray.serve.app import served

    with local_ray(4), served(settings) as address:
        yield address


def job(settings: Settings, database_url: str) -> Throughput:
    """`rapray analyze --analyzer local` with the model up: the tokens are those of the run's account."""
    import psycopg

    from rapray.pipelines.analyze import analyze

    started = time.perf_counter()
    analyze(settings, [HOSTED_PROVIDER])
    seconds = time.perf_counter() - started
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT sum(output_tokens) FROM run_costs").fetchone()
    assert row is not None
    return Throughput(seconds, int(row[0]))


def http(address: str, settings: Settings, requests: list[tuple[Any, dict[str, Any]]]) -> Throughput:
    """`POST /v1/chat/completions`, the prompts of the plain side, as many at once as the model takes."""
    provider = provider_of(settings, HOSTED_PROVIDER)

    def ask(request: tuple[Any, dict[str, Any]]) -> int:
        answer = client.post("/v1/chat/completions", json=request_of(provider, *request))
        answer.raise_for_status()
        return int(answer.json()["usage"]["completion_tokens"])

    with httpx.Client(base_url=address, timeout=3600) as client, ThreadPoolExecutor(AT_ONCE) as threads:
        started = time.perf_counter()
        tokens = sum(threads.map(ask, requests))
        return Throughput(time.perf_counter() - started, tokens)


def measure(count: int) -> dict[str, Throughput]:
    """All three sides, one after the other."""
    chosen = songs()[:count]
    lyrics = [
        Lyric(str(s.id), s.lyrics, split_sections(s.lyrics), content_hash(s.lyrics), s.title) for s in chosen
    ]
    with fresh_database() as url:
        settings = settings_for(url)
        requests = requests_of(settings, lyrics)
        found = {"LLM.chat": plain(settings, requests)}
        store(url, [song_of(song) for song in chosen])
        with served_model(settings) as address:
            http(address, settings, requests[:1])  # warm, as the plain side was
            found["rapray HTTP"] = http(address, settings, requests)
            found["rapray job"] = job(settings, url)
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lyrics", type=int, default=24)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--plain", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.plain is not None:
        print(json.dumps(asdict(generate(arguments.plain))))
        return
    found = measure(arguments.lyrics)
    base = found["LLM.chat"].per_second
    rows = {
        name: {**asdict(side), "tokens_per_second": side.per_second, "ratio": side.per_second / base}
        for name, side in found.items()
    }
    if arguments.json:
        print(json.dumps(rows))
        return
    for name, row in rows.items():
        print(
            f"{name:<12} {row['output_tokens']:>7} tokens in {row['seconds']:7.1f} s, "
            f"{row['tokens_per_second']:6.1f} tokens/s, {row['ratio']:.2f} x"
        )


if __name__ == "__main__":
    main()
