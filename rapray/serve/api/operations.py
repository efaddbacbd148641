"""`/livez`, `/readyz`, `/health`, `/info`, `/metrics`: what an operator and a load balancer ask.

Names no address and no secret of anything behind the ingress.
"""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter, Response

from rapray import __version__
from rapray.serve.api import views
from rapray.serve.api.body import JsonRoute
from rapray.serve.api.context import Backend, documented
from rapray.serve.api.errors import Refused
from rapray.serve.api.models import HealthBody, InfoBody, LimitsBody, StatusBody
from rapray.serve.backend import Health
from rapray.serve.problems import RETRY_AFTER_S, Problem, of_code
from rapray.telemetry import metric, metrics_text

router = APIRouter(route_class=JsonRoute, tags=["operations"])


@router.get("/livez", summary="Is the process alive?", responses=documented(is_probe=True))
async def livez() -> StatusBody:
    """200 as long as the event loop turns; looks at nothing else."""
    return StatusBody(status="up")


@router.get("/readyz", summary="Can it answer?", responses=documented("not_ready", is_probe=True))
async def readyz(services: Backend) -> StatusBody:
    """200 where the database has the right schema and the embedder answers; "degraded" without Redis."""
    health = await services.is_ready()
    _measure(health)
    if health.state == "down":
        raise Refused(_not_ready(health))
    return StatusBody(status="ready" if health.state == "up" else "degraded")


@router.get("/health", summary="The state of everything", responses=documented(is_probe=True))
async def health(services: Backend) -> HealthBody:
    """The state of every dependency, with versions and models; checked a few seconds ago at most.

    Always 200: for people; machines ask `/readyz`.
    """
    found = await services.health()
    _measure(found)
    return views.health(found, dict(services.analyzers))


@router.get("/info", summary="Limits, versions, models", responses=documented("dependency_unavailable"))
async def info(services: Backend) -> InfoBody:
    """What runs here and what a request may ask for."""
    overview = await services.catalogue.overview()
    return InfoBody(
        version=__version__,
        limits=LimitsBody(**asdict(services.limits)),
        analyzers=dict(services.analyzers),
        deadlines_s={name: services.deadline_s(name) for name in services.analyzers},
        embedding_model=views.model(services.embedding_model),
        tracks=overview.tracks,
        artists=overview.artists,
    )


@router.get("/metrics", summary="Metrics in the Prometheus text format", response_class=Response)
async def metrics() -> Response:
    """The metrics of the ingress replica that answers; Ray exports those of every replica besides."""
    return Response(metrics_text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _measure(health: Health) -> None:
    for dependency in health.dependencies:
        metric("rapray_dependency_up").labels(dependency=dependency.name).set(dependency.state == "up")


def _not_ready(health: Health) -> Problem:
    states = {d.name: d.state for d in health.dependencies}
    return Problem("not_ready", of_code("not_ready").detail, (), RETRY_AFTER_S, {"dependencies": states})
