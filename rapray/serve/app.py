"""`build(args)`: the application of `rapray serve`, of `serve deploy serve_config.yaml` and of RayService.

Knows which deployments there are and their defaults; `serve_config.yaml` says the same and wins where it differs.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import ray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ray import serve
from ray.exceptions import RayError

from rapray.analyzers.base import AnalyzerSpec
from rapray.analyzers.llm.providers import is_hosted
from rapray.analyzers.registry import spec, specs
from rapray.analyzers.selection import expanded
from rapray.config import Settings, load_settings
from rapray.config.settings import Gpus, gpus_on
from rapray.embedded import Endpoints, refuse_on_cluster
from rapray.embedded.ray_ports import log_open_ports
from rapray.errors import ConfigError, RayUnavailable, UsageError
from rapray.hosting import hosted_model
from rapray.net.loopback import local_url
from rapray.serve import doorway
from rapray.serve.admission import MOST_WAITING, MOST_WORKING
from rapray.serve.deployments import AnalyzerReplica, Embedder, Ingress
from rapray.serve.limits import MAX_BATCH_TEXTS, TEXTS_AT_ONCE
from rapray.serve.live import replica_connections
from rapray.serve.problems import RETRY_AFTER_S
from rapray.serve.room import check_room
from rapray.serve.roster import to_deploy
from rapray.serve.security import check_host
from rapray.telemetry import logger

log = logger(__name__)

APPLICATION = "rapray"
KEEP_ALIVE_S = 30  # how long a connection may stay idle between two requests
Options: TypeAlias = Mapping[str, Mapping[str, Any]]
_BUSY = {"status_code": 503, "retry_after_s": RETRY_AFTER_S}
# By default Serve compares the mean of the last 30 s, reported every 10 s, with the target: load of twice the
# target asks for a replica after 25 s (measured), load just above it after 40 s. With these options it asks after
# 8 to 15 s. Ray 2.60 reads the interval only from here: nothing reads the environment variables that its deprecation
# warning names.
_SCALING = {
    "min_replicas": 1,
    "metrics_interval_s": 2,
    "look_back_period_s": 10,
    "upscale_delay_s": 5,
    "downscale_delay_s": 120,
}
_LIFE = {"health_check_period_s": 10, "health_check_timeout_s": 30, "graceful_shutdown_timeout_s": 30}
# Serve gives a replica that it stops this long, then kills it with the requests that it still has: clients of
# the ingress get a 500, and a provider's answer is lost and paid for twice. By default a language model may
# take 120 s for one text; batches and streams that take longer are cut.
_LONG_LIFE = {**_LIFE, "graceful_shutdown_timeout_s": 130}

INGRESS: dict[str, Any] = {
    "ray_actor_options": {"num_cpus": 0.25},
    # Far above `max_working_requests`: a request counts here from its first byte, and probes must find room.
    "max_ongoing_requests": 2000,
    "max_queued_requests": 2000,
    # One core, about 55 reads a second: 20 at once wait 0.4 s each, 50 wait 0.9 s (measured).
    "autoscaling_config": {**_SCALING, "max_replicas": 4, "target_ongoing_requests": 20},
    "user_config": {"max_working_requests": MOST_WORKING, "max_waiting_requests": MOST_WAITING},
    "backpressure_config": _BUSY,
    **_LONG_LIFE,
}
EMBEDDER: dict[str, Any] = {
    "ray_actor_options": {"num_cpus": 0.5},  # so that two CPUs hold every analyzer beside it
    "max_ongoing_requests": 32,  # two full batches: one is computed while the next one gathers
    "max_queued_requests": 128,
    "autoscaling_config": {**_SCALING, "max_replicas": 4, "target_ongoing_requests": 16},
    "user_config": {"max_batch_size": 16, "batch_wait_timeout_s": 0.004},
    "backpressure_config": _BUSY,
    **_LIFE,
}
# An analyzer that computes: one text at a time on half a CPU.
COMPUTING: dict[str, Any] = {
    "ray_actor_options": {"num_cpus": 0.5},
    "max_ongoing_requests": 4,
    "max_queued_requests": 64,
    "autoscaling_config": {**_SCALING, "max_replicas": 8, "target_ongoing_requests": 2},
    "user_config": {"threads": 1},
    "backpressure_config": _BUSY,
    **_LIFE,
}
# An analyzer that waits for a server elsewhere: the provider's limits bound it, not this host.
WAITING: dict[str, Any] = {
    **COMPUTING,
    "ray_actor_options": {"num_cpus": 0.05},
    "max_ongoing_requests": 16,
    "autoscaling_config": {**_SCALING, "max_replicas": 4, "target_ongoing_requests": 8},
    "user_config": {"threads": 16},
    **_LONG_LIFE,
}


def analyzer_options(wanted: AnalyzerSpec) -> dict[str, Any]:
    """Return the defaults of an analyzer's deployment, from what it says it needs; without GPUs if that is "auto"."""
    if wanted.is_remote:
        return WAITING
    gpus = gpus_on(wanted.needs.gpu, 0)
    resources = {"num_cpus": wanted.needs.cpu / 2} | ({"num_gpus": gpus} if gpus else {})
    return {**COMPUTING, "ray_actor_options": resources}


class BuildArgs(BaseModel):
    """`args` of the application in `serve_config.yaml`. No secret belongs here: `serve status` prints them."""

    model_config = ConfigDict(extra="forbid")

    analyzers: tuple[str, ...] | None = Field(default=None, min_length=1)


def build(args: dict[str, Any]) -> serve.Application:
    """The application whose replicas read their settings themselves, from the environment and files of their node.

    Serve takes a builder with exactly one parameter.

    Args:
        args: see `BuildArgs`; a key that is not there is an error.

    Raises:
        ConfigError: the arguments or the settings are not valid.
        UnknownAnalyzer: an analyzer is not installed.
        RaprayError: an analyzer that is named is not set up; "all" leaves such ones out.
        UsageError: the proxy listens off loopback and there are no API keys.
        EmbeddedOnCluster: the settings name no database and the cluster spans several hosts.
    """
    return application(args, None)


def application(
    args: dict[str, Any], settings: Settings | None, options: Options | None = None
) -> serve.Application:
    """The application: ingress over embedder, analyzers and the hosted model, if there is one.

    `settings`, where given, go down to every replica. `options` are laid over the defaults of deployments, by name.
    """
    wanted = _validated(args)
    here = settings or load_settings().settings
    _check_cluster(here)
    names = to_deploy(wanted.analyzers or here.serve.analyzers, here)
    expanded(here.analyze.analyzers, specs(here))  # a wrong name is told here, not in a replica's log
    chosen = _chosen(names, here, options or {})
    model = None if here.llm.hosted.model is None else hosted_model(here)
    analyzers = {
        name: AnalyzerReplica.options(name=name, **chosen[name]).bind(
            name, settings, model if is_hosted(here, name) else None
        )
        for name in names
    }
    embedder = Embedder.options(**chosen["embedder"]).bind(settings)
    return Ingress.options(**chosen["ingress"]).bind(embedder, analyzers, settings, model)


def _chosen(names: Sequence[str], settings: Settings, options: Options) -> dict[str, dict[str, Any]]:
    """Return the options of every deployment by name."""
    chosen = {name: spec(name, settings) for name in names}
    needed: dict[str, Gpus] = {name: analyzer.needs.gpu for name, analyzer in chosen.items()}
    needed["embedder"] = settings.embedding.gpus_needed
    defaults = {
        "ingress": INGRESS,
        "embedder": EMBEDDER,
        **{name: analyzer_options(analyzer) for name, analyzer in chosen.items()},
    }
    for name, gpus in _gpus(needed, settings).items():
        resources = defaults[name]["ray_actor_options"] | {"num_gpus": gpus}
        defaults[name] = {**defaults[name], "ray_actor_options": resources}
    return {name: {**default, **options.get(name, {})} for name, default in defaults.items()}


def _gpus(needed: Mapping[str, Gpus], settings: Settings) -> dict[str, float]:
    """Return the GPUs of a replica of each deployment that gets some.

    Deployments that say "auto" share what the cluster has left beside the hosted model and those with a number.
    """
    hosted = settings.llm.hosted
    left = float(ray.cluster_resources().get("GPU", 0)) if ray.is_initialized() else 0.0
    if hosted.model is not None and hosted.device == "cuda":
        left -= hosted.gpus * hosted.min_replicas
    left -= sum(gpus for gpus in needed.values() if gpus != "auto")
    sharing = sum(gpus == "auto" for gpus in needed.values())
    gpus = {name: gpus_on(asked, left, sharing) for name, asked in needed.items()}
    return {name: count for name, count in gpus.items() if count}


def database_connections(settings: Settings) -> int:
    """Connections to PostgreSQL that the ingress may come to hold, with as many replicas as it has by default.

    Where `serve_config.yaml` says another number, only the replicas know it: each looks for itself.
    """
    return replica_connections(settings) * INGRESS["autoscaling_config"]["max_replicas"]


def longest_request_s(settings: Settings) -> float:
    """Return after how many seconds the proxy gives up a request or stream: more than all deadlines together.

    This is the last resort if a replica hangs: everything that a request waits for has a deadline of its own.
    """
    providers = settings.llm.providers.values()
    deadlines = [settings.analyze.deadline_s, *(provider.timeout_s for provider in providers)]
    rounds = math.ceil(MAX_BATCH_TEXTS / TEXTS_AT_ONCE)
    writing_s = settings.database.connect_timeout_s + settings.database.statement_timeout_s
    return settings.serve.body_timeout_s + rounds * (max(deadlines) + writing_s)


@contextmanager
def served(settings: Settings, options: Options | None = None) -> Generator[str]:
    """The application on the Ray that this process is connected to (`ray_session`); stopped at the end.

    Yields the address of the ingress, once every deployment is healthy.

    Raises:
        UsageError: `serve.host` is not loopback, Serve runs on the cluster already, or the cluster inside this
            process has too few CPUs.
        RayUnavailable: no cluster answers, or the HTTP proxy or a deployment does not come up.
    """
    check_host(settings.serve.host, settings.serve)
    assert ray.is_initialized(), "serve.start would start a Ray that nothing protects"
    app = application({}, settings, options)
    _end_or_refuse_other_serve()
    try:
        doorway.announce(settings)
        _start_proxy(settings)
        check_room(_chosen(to_deploy(settings.serve.analyzers, settings), settings, options or {}), settings)
        _run(app)
        log_open_ports()
        yield local_url(settings.serve.host, settings.serve.port)
    finally:
        serve.shutdown()
        doorway.announce(None)


def _end_or_refuse_other_serve() -> None:
    """End what a killed `rapray serve` left on the cluster; refuse any other Serve there.

    Its proxies would keep their own settings, and our end would be the end of all its applications.
    """
    from ray.serve.context import _get_global_client  # pyright: ignore[reportPrivateUsage]

    if _get_global_client(raise_if_no_controller_running=False) is None:
        return
    names = sorted(serve.status().applications)
    if set(names) <= {APPLICATION} and doorway.is_left_behind():
        log.warning("serve_taken_over", reason="a `rapray serve` was killed and left its application behind")
        serve.shutdown()
        return
    running = f"with the applications {', '.join(names)}" if names else "with no application"
    advice = (
        "Deploy with `serve deploy serve_config.yaml`. If nobody needs them, run `serve shutdown --yes` first"
    )
    raise UsageError(
        reason=f"Ray Serve already runs on this cluster, {running}. {advice}, with the variables of `rapray ray-env`."
    )


def _start_proxy(settings: Settings) -> None:
    with _map_errors("the HTTP proxy"):
        serve.start(
            proxy_location="HeadOnly",
            http_options={
                "host": settings.serve.host,
                "port": settings.serve.port,
                "request_timeout_s": longest_request_s(settings),
                "keep_alive_timeout_s": KEEP_ALIVE_S,
            },
            logging_config={"log_level": "WARNING", "enable_access_log": False},
        )


def _run(app: serve.Application) -> None:
    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    with _map_errors("the application"):
        serve.run(app, name=APPLICATION, route_prefix="/")


@contextmanager
def _map_errors(what: str) -> Generator[None]:
    """Raise RayUnavailable if a part of Ray Serve does not come up."""
    try:
        yield
    except (RuntimeError, RayError, TimeoutError) as error:
        cause = str(error).strip() or type(error).__name__
        if isinstance(error, RayError):  # it holds a traceback, whose last line says what happened
            cause = cause.splitlines()[-1]
        raise RayUnavailable(reason=f"{what} did not come up: {cause}") from error


def _validated(args: dict[str, Any]) -> BuildArgs:
    try:
        return BuildArgs.model_validate(args)
    except ValidationError as error:
        problems = "\n".join(f"args.{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise ConfigError(problems=problems) from error


def _check_cluster(settings: Settings) -> None:
    """Refuse a proxy that listens for others, which RayService and `serve deploy` start before us, and embedded servers
    that some node could not reach.
    """
    from ray.serve.context import _get_global_client  # pyright: ignore[reportPrivateUsage]

    if not ray.is_initialized():
        return
    needs = Endpoints(
        "", None, settings.database.url is None, settings.redis.enabled and settings.redis.url is None
    )
    refuse_on_cluster(needs, [node["NodeManagerAddress"] for node in ray.nodes() if node["Alive"]])
    client = _get_global_client(raise_if_no_controller_running=False)
    if client is not None and client.http_config.host:
        check_host(client.http_config.host, settings.serve)
