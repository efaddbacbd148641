"""Every deployment scales on its own: load comes and replicas go up, load goes and they go down.

What decides is what rapray ships: the targets, limits and delays of `rapray/serve/app.py`. Only three things are changed:
two replicas are enough to see it, each reserves a tenth of a CPU, and they go after five seconds with too little load
instead of two minutes. Two seconds were too few: on one busy core a replica that was still starting was given up.

Each deployment has a load of its own that keeps more than its target in flight. One request that asks all analyzers is no
such load: it is over when the slowest has answered, so the others wait for it and have next to nothing in flight. How
fast the machine is does not matter. A language model's callers wait for a server that takes its time. Of the others'
requests nearly all the time is spent in the deployment under test: long texts for little HTTP, and vectors in float32,
where no processor is so fast that the ingress becomes the bottleneck.
"""

from __future__ import annotations

import contextlib
import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from rapray.analyzers.registry import spec
from rapray.config import AnalyzeSettings, EmbeddingSettings, ServeSettings, Settings
from rapray.config.llm import LlmSettings
from rapray.serve.roster import to_deploy
from tests.support.serving import Load, Send, free_port, local_ray, replica_states, replicas
from tests.support.slow_model import SlowModel
from tests.support.waiting import wait_for

# The deadlines are for a machine with one busy core; a wait ends as soon as everything has happened.
pytestmark = [
    pytest.mark.ray,
    pytest.mark.load,
    pytest.mark.usefixtures("own_ray"),
    pytest.mark.slow("waits until every deployment has grown and shrunk"),
    pytest.mark.timeout(1200),
]
GROWN_WITHIN_S, SHRUNK_WITHIN_S = 600, 300
LOOK_EVERY_S = 0.2  # a look makes Serve's controller work
ANSWERED_WITHIN_S = 600
LANGUAGE_MODELS = ("qwen", "gemma", "ollama", "local")
LINES = {"algorithmic": 200, "emotion": 60}  # of a text; a language model gets one
# Clients by target. A request that waits for a language model is nowhere else; one for an analyzer that computes spends
# a part of its time in the ingress, which is busy with all of them.
CLIENTS = dict.fromkeys(LANGUAGE_MODELS, 1.5) | {"embedder": 2, "algorithmic": 4, "emotion": 4}


def text(number: int, lines: int) -> str:
    """Lines that nobody has asked for, no two of them the same."""
    return "\n".join(
        f"{number} nights and {line} days we ride the light and write it right" for line in range(lines)
    )


def analyzing(name: str) -> Send:
    """Ask one analyzer."""

    def analyze(client: httpx.Client, number: int) -> httpx.Response:
        return client.post("/analyze", json={"lyrics": text(number, LINES.get(name, 1)), "analyzers": [name]})

    return analyze


def search(client: httpx.Client, number: int) -> httpx.Response:
    """Search for a query of half the length that one may have."""
    return client.post("/search", json={"query": text(number, 20)[:1000], "limit": 1})


@dataclass
class Course:
    """What became of one deployment: when it was seen with a second replica, and with one again."""

    target: float
    clients: int
    asked: float | None = None
    grew: float | None = None
    ended: float | None = None  # its load
    shrank: float | None = None


class Watch:
    """Sees every deployment get a second replica and lose it, and ends a load that has done what it is for.

    Args:
        courses: by deployment; "ingress" is among them, and every load passes it.
        loads: by deployment.
    """

    def __init__(self, courses: Mapping[str, Course], loads: Mapping[str, Load]) -> None:
        self._courses, self._loads = courses, loads
        self._began = time.monotonic()

    def all_grew(self) -> bool:
        """Look once: does every deployment have, or has it had, a second replica that runs?"""
        self._look()
        return all(course.grew is not None for course in self._courses.values())

    def all_shrank(self) -> bool:
        """Look once: is every deployment back at one replica?"""
        self._look()
        return all(course.shrank is not None for course in self._courses.values())

    def saying(self, what: str) -> Callable[[], str]:
        """What is waited for, with the table as it is when time is up."""
        return lambda: f"{what}\n{self.table()}"

    def table(self) -> str:
        """A line a deployment; the last column counts from the end of its load."""
        heads = ("deployment", "target", "clients", "second replica asked for", "running", "gone again")
        rows = [
            (
                name,
                f"{course.target:g}",
                str(course.clients),
                _seconds(self._began, course.asked),
                _seconds(self._began, course.grew),
                _seconds(course.ended, course.shrank),
            )
            for name, course in sorted(self._courses.items())
        ]
        return "\n".join("| " + " | ".join(row) + " |" for row in (heads, ("---",) * len(heads), *rows))

    def _look(self) -> None:
        now, states = time.monotonic(), replica_states()
        for name, course in self._courses.items():
            running, starting, stopping = (states[name][s] for s in ("RUNNING", "STARTING", "STOPPING"))
            if course.asked is None and running + starting > 1:
                course.asked = now
            if course.grew is None and running > 1:
                course.grew = now
            if course.shrank is None and course.ended and running == 1 and not starting + stopping:
                course.shrank = now
        self._end_loads(now)

    def _end_loads(self, now: float) -> None:
        """End the load of what has grown: its processor time helps the others to grow."""
        ingress = self._courses["ingress"]
        for name, load in self._loads.items():
            course = self._courses[name]
            if course.ended is None and course.grew is not None and ingress.grew is not None:
                load.stop()
                course.ended = now
        if ingress.ended is None and all(self._courses[name].ended for name in self._loads):
            ingress.ended = now


def _seconds(start: float | None, end: float | None) -> str:
    return "not yet" if start is None or end is None else f"{end - start:.1f} s"


def settings_for(collection: Any, model: SlowModel) -> Settings:
    """Every analyzer set up, the language models at a server that takes its time; nobody gives up waiting."""
    provider = {
        "base_url": model.base_url,
        "model": "slow",
        "needs_key": False,
        "concurrency": 64,
        "timeout_s": ANSWERED_WITHIN_S,
    }
    return collection.settings.model_copy(
        update={
            "serve": ServeSettings(port=free_port()),
            "analyze": AnalyzeSettings(deadline_s=ANSWERED_WITHIN_S),
            "embedding": EmbeddingSettings(dtype="float32"),
            "llm": LlmSettings.model_validate({"providers": dict.fromkeys(LANGUAGE_MODELS, provider)}),
        }
    )


def shipped(settings: Settings, analyzers: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The options that rapray ships, by deployment, but with at most two small replicas that go soon."""
    from rapray.serve.app import EMBEDDER, INGRESS, analyzer_options

    options = {name: analyzer_options(spec(name, settings)) for name in analyzers}
    options |= {"ingress": INGRESS, "embedder": EMBEDDER}
    changed = {"max_replicas": 2, "downscale_delay_s": 5}
    return {
        name: {
            **given,
            "autoscaling_config": {**given["autoscaling_config"], **changed},
            "ray_actor_options": {"num_cpus": 0.1},
        }
        for name, given in options.items()
    }


def scaled(address: str, targets: Mapping[str, float], model: SlowModel) -> tuple[Watch, dict[str, Load]]:
    """Load every deployment until it has grown, and see it shrink."""
    sends = {name: search if name == "embedder" else analyzing(name) for name in targets if name != "ingress"}
    clients = {name: math.ceil(CLIENTS[name] * targets[name]) for name in sends}
    clients["ingress"] = sum(clients.values())  # every request passes it
    courses = {name: Course(target, clients[name]) for name, target in targets.items()}
    with contextlib.ExitStack() as running:
        loads = {
            name: running.enter_context(Load(address, [send] * clients[name], ANSWERED_WITHIN_S))
            for name, send in sends.items()
        }
        watch = Watch(courses, loads)
        wait_for(watch.all_grew, watch.saying("every deployment grows"), GROWN_WITHIN_S, LOOK_EVERY_S)
        model.hurry()
        wait_for(watch.all_shrank, watch.saying("every deployment shrinks"), SHRUNK_WITHIN_S, LOOK_EVERY_S)
    return watch, loads


def test_deployments_scale_alone(
    collection: Any, record_property: Callable[[str, object], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """Ingress, embedder and each analyzer get a second replica under load and lose it afterwards."""
    pytest.importorskip("openai", reason="the llm extra is not installed")
    from rapray.serve.app import served

    with SlowModel(thinks_s=20) as model:
        settings = settings_for(collection, model)
        analyzers = to_deploy(["all"], settings)
        assert {"embedder", *analyzers} == set(CLIENTS), "give every deployment its load"
        options = shipped(settings, analyzers)
        targets = {name: o["autoscaling_config"]["target_ongoing_requests"] for name, o in options.items()}
        with local_ray(2), served(settings, options) as address:
            assert replicas() == dict.fromkeys(targets, 1)
            watch, loads = scaled(address, targets, model)
            assert httpx.get(f"{address}/readyz", timeout=60).status_code == 200
    record_property("autoscaling", watch.table())
    with capsys.disabled():
        sys.stdout.write(f"\n{watch.table()}\n")
    ends = {name: dict(load.ends) for name, load in loads.items()}
    assert all(set(counts) <= {"200", "503 with Retry-After"} for counts in ends.values()), ends
    assert all(counts.get("200") for counts in ends.values()), ends
