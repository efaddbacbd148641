"""The three kinds of Serve deployments: ingress, embedder, one a name of analyzer.

Knows Ray, and neither HTTP nor SQL. Each replica reads its own settings and loads its own model.
"""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Annotated, Any, TypeAlias

import numpy as np
from fastapi import FastAPI
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from ray import serve
from ray.exceptions import RayActorError, RayTaskError
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError, ReplicaUnavailableError
from ray.serve.handle import DeploymentHandle, DeploymentResponse

from rapray.analyzers.base import Analyzer, ModelBacked
from rapray.analyzers.llm.completions import Asking, Reply
from rapray.analyzers.llm.providers import provider_of
from rapray.analyzers.outcomes import outcomes_of
from rapray.analyzers.registry import create, spec
from rapray.config import Settings, load_settings
from rapray.domain import Analysis, Failure, Lyric
from rapray.embeddings import load_embedder, model_info
from rapray.errors import AnalysisFailed, ModelUnavailable, Overloaded, RaprayError, RayUnavailable
from rapray.hosting import HostedCompletions
from rapray.serve import doorway
from rapray.serve.admission import MOST_WAITING, MOST_WORKING, Admission
from rapray.serve.live import LiveServices, RunningAnalyzer
from rapray.serve.problems import RETRY_AFTER_S
from rapray.serve.roster import roster
from rapray.telemetry import configure_logging, logger
from rapray.text.sections import split_sections

log = logger(__name__)
_MODEL = "The language model"
_ATTEMPTS = 3  # of a request whose replica dies; the deadline ends them earlier
Handle: TypeAlias = DeploymentHandle[Any]
_PROBE_TEXT = "Every morning on the corner I was learning"
_PROBE_LYRIC = Lyric("probe", _PROBE_TEXT, split_sections(_PROBE_TEXT), "probe")


class _Tuning(BaseModel):
    model_config = ConfigDict(extra="forbid")


class IngressTuning(_Tuning):
    """`user_config` of the ingress."""

    deadline_s: float | None = Field(default=None, gt=0, le=600)
    deadlines: dict[str, Annotated[float, Field(gt=0, le=600)]] = Field(default_factory=dict)
    max_working_requests: int = Field(default=MOST_WORKING, ge=1, le=10_000)
    max_waiting_requests: int = Field(default=MOST_WAITING, ge=0, le=10_000)


class EmbedderTuning(_Tuning):
    """`user_config` of the embedder: how many queries share one forward pass, and how long the first of them waits."""

    max_batch_size: int = Field(default=16, ge=1, le=1024)
    batch_wait_timeout_s: float = Field(default=0.004, ge=0, le=1)


class AnalyzerTuning(_Tuning):
    """`user_config` of an analyzer: how many texts one replica works on at once."""

    threads: int = Field(default=1, ge=1, le=64)


def replica_settings(given: Settings | None) -> Settings:
    """The settings of this replica: those handed down by an in-process start, else this node's own sources."""
    settings = given or load_settings().settings
    configure_logging(settings.log.level, settings.log.format)
    return settings


@serve.deployment(name="embedder")
class Embedder:
    """Turns queries into vectors, several in one forward pass."""

    def __init__(self, settings: Settings | None = None) -> None:
        self._embedder = load_embedder(replica_settings(settings).embedding)
        self._embedder.encode([_PROBE_TEXT])  # the first pass is slow: not for the first caller

    def reconfigure(self, user_config: dict[str, Any]) -> None:
        """Take new batch limits without a restart."""
        tuning = EmbedderTuning.model_validate(user_config)
        batching: Any = self.embed  # `serve.batch` hangs its setters onto the method
        batching.set_max_batch_size(tuning.max_batch_size)
        batching.set_batch_wait_timeout_s(tuning.batch_wait_timeout_s)

    @serve.batch(max_batch_size=16, batch_wait_timeout_s=0.004)
    async def embed(self, texts: list[str]) -> list[NDArray[np.float32]]:
        """One vector a text, L2-normalised."""
        return list(await asyncio.to_thread(self._embedder.encode, texts))

    async def check_health(self) -> None:
        """A real forward pass with a finite result."""
        vectors = await asyncio.to_thread(self._embedder.encode, [_PROBE_TEXT])
        if not np.isfinite(vectors).all():
            raise ModelUnavailable(model=self._embedder.model.name, reason="its vectors are not finite")


@serve.deployment(name="analyzer")
class AnalyzerReplica:
    """Runs one analyzer on a few texts at once, off the event loop.

    Args:
        name: of the analyzer.
        settings: those handed down, if any.
        model: the hosted model, for the analyzer that asks it.
    """

    def __init__(self, name: str, settings: Settings | None = None, model: Handle | None = None) -> None:
        own = replica_settings(settings)
        self._name, self._is_remote = name, spec(name, own).is_remote
        self._analyzer: Analyzer = create(name, own)
        if model is not None:
            assert isinstance(self._analyzer, Asking)
            self._analyzer.ask_through(HostedCompletions(provider_of(own, name), model))
        self._threads = ThreadPoolExecutor(AnalyzerTuning().threads, f"analyze-{name}")
        self._probe()

    def reconfigure(self, user_config: dict[str, Any]) -> None:
        """Take a new number of threads; texts that are being worked on finish under the old one."""
        former = self._threads
        self._threads = ThreadPoolExecutor(
            AnalyzerTuning.model_validate(user_config).threads, f"analyze-{self._name}"
        )
        former.shutdown(wait=False)

    async def analyze(self, lyric: Lyric) -> Analysis | Failure:
        """The analysis, or why there is none. A text that still waits is given up with its request."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._outcome, lyric)

    def _outcome(self, lyric: Lyric) -> Analysis | Failure:
        return outcomes_of(self._analyzer, [lyric])[0]

    async def describe(self) -> RunningAnalyzer:
        """Say what this replica runs."""
        analyzer = self._analyzer
        if isinstance(analyzer, ModelBacked):
            return RunningAnalyzer(analyzer.provenance, analyzer.model, analyzer.note)
        return RunningAnalyzer(analyzer.provenance)

    async def check_health(self) -> None:
        """A real analysis of one line, beside the texts that wait."""
        await asyncio.to_thread(self._probe)

    def _probe(self) -> None:
        """Nothing where a server elsewhere answers: its answers may cost, and a new replica would not mend it."""
        if self._is_remote:
            return
        outcome = self._outcome(_PROBE_LYRIC)
        if isinstance(outcome, Failure):
            raise AnalysisFailed(analyzer=self._name, reason=outcome.detail)


class HandleInference:
    """`rapray.serve.live.Inference` over Serve handles."""

    def __init__(self, embedder: Handle, analyzers: Mapping[str, Handle]) -> None:
        # Between replicas a reference costs two more hops than the few kilobytes themselves.
        self._embedder = embedder.options(_by_reference=False)
        self._analyzers = {name: handle.options(_by_reference=False) for name, handle in analyzers.items()}

    async def embed_query(self, text: str) -> Sequence[float]:
        """The vector of a query."""
        return await answered("The embedder", self._embedder.embed.remote(text))

    async def analyze(self, name: str, lyric: Lyric) -> Analysis | Failure:
        """One analyzer's result. A replica that dies takes no request along: another one is asked again."""
        handle, what = self._analyzers[name], f"The analyzer {name}"
        for _ in range(_ATTEMPTS - 1):
            try:
                return await answered(what, handle.analyze.remote(lyric))
            except RayUnavailable:
                log.warning("a replica died with a request", analyzer=name)
        return await answered(what, handle.analyze.remote(lyric))

    async def describe(self, name: str) -> RunningAnalyzer:
        """What an analyzer's replica runs."""
        return await answered(f"The analyzer {name}", self._analyzers[name].describe.remote())


class HandleChat:
    """`rapray.serve.backend.Chat` over the handle of the hosted model."""

    def __init__(self, model: Handle) -> None:
        self._model = model.options(_by_reference=False)

    async def describe(self) -> dict[str, Any]:
        """The model as `/v1/models` lists it."""
        return await answered(_MODEL, self._model.describe.remote())

    async def complete(self, request: dict[str, Any]) -> Reply:
        """The whole answer."""
        return await answered(_MODEL, self._model.complete.remote(request))

    async def stream(self, request: dict[str, Any]) -> AsyncGenerator[str | Reply]:
        """The answer as lines of server-sent events; a caller who stops listening stops the model."""
        pieces: Any = self._model.options(stream=True).stream.remote(request)
        try:
            with translated(_MODEL):
                async for piece in pieces:
                    yield piece
        finally:
            pieces.cancel()


async def answered(what: str, called: Any) -> Any:
    """Await a replica's answer, with Ray's errors as ours. Whoever gives up waiting takes the request back.

    Raises:
        Overloaded: its queue is full.
        RayUnavailable: no replica is there, or it died with the request.
        RaprayError: whatever the replica raised.
    """
    response: DeploymentResponse[Any] = called
    with translated(what):
        try:
            return await response
        except asyncio.CancelledError:
            response.cancel()
            raise


@contextmanager
def translated(what: str) -> Generator[None]:
    """Ray's errors as ours; see `answered`."""
    try:
        yield
    except BackPressureError as error:
        raise Overloaded(what=what, retry_after_s=RETRY_AFTER_S) from error
    except (DeploymentUnavailableError, ReplicaUnavailableError, RayActorError) as error:
        raise RayUnavailable(reason=f"{what} has no replica that answers") from error
    except RayTaskError as error:
        if isinstance(error.cause, RaprayError):
            raise error.cause from error
        raise


@serve.deployment(name="ingress")
@serve.ingress()  # pyright: ignore[reportUntypedClassDecorator]
class Ingress:
    """The HTTP app, with a pool of its own and handles to everyone else."""

    def __init__(
        self,
        embedder: Handle,
        analyzers: dict[str, Handle],
        settings: Settings | None = None,
        model: Handle | None = None,
    ) -> None:
        own = replica_settings(settings)
        self._settings = own
        self._admission = Admission()
        if os.environ.get(doorway.VARIABLE) != doorway.IMPORT_PATH:
            log.warning(
                "the HTTP proxy of Ray Serve is open to slow clients: set this variable before `ray start`",
                variable=f"{doorway.VARIABLE}={doorway.IMPORT_PATH}",
            )
        self._services = LiveServices(
            own,
            HandleInference(embedder, analyzers),
            model_info(own.embedding),
            roster(own, analyzers),
            None if model is None else HandleChat(model),
        )

    def __serve_build_asgi_app__(self) -> FastAPI:
        """Called by Serve in the replica, after the constructor."""
        from rapray.serve.api import create_app

        return create_app(self._services, admission=self._admission, proxy_sends_id=True)

    async def reconfigure(self, user_config: dict[str, Any]) -> None:
        """Take new deadlines and limits without a restart. A coroutine: Serve runs plain methods off the event loop."""
        tuning = IngressTuning.model_validate(user_config)
        seconds = tuning.deadline_s or self._settings.analyze.deadline_s
        self._services.set_deadlines(seconds, tuning.deadlines)
        self._admission.set_limits(tuning.max_working_requests, tuning.max_waiting_requests)

    async def check_health(self) -> None:
        """The event loop turns. A database that is down is no reason to restart the ingress: `/readyz` says so."""
        assert math.isfinite(self._services.limits.deadline_s)
