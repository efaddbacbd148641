"""`running_model(settings)`: the hosted model on the cluster of a job, either served already or started for the job."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from ray import serve
from ray.exceptions import RayError

from rapray.config import Settings
from rapray.errors import ModelUnavailable
from rapray.hosting.deployment import DEPLOYMENT, hosted_model
from rapray.telemetry import logger

log = logger(__name__)
OF_JOBS = "rapray-model"
"""The application that a job starts if nothing else serves the model."""


@contextmanager
def running_model(settings: Settings) -> Generator[str]:
    """Give the name of the application that has the deployment `DEPLOYMENT`.

    If `rapray serve` runs one on this cluster, the job uses it. Otherwise the model is started, and stopped at the end.
    A job that was killed leaves its model running, and the next job takes it over.

    Raises:
        MissingExtra, ModelUnavailable: the model does not come up.
    """
    application = _application()
    if application is not None and application != OF_JOBS:
        log.info("the model that is served answers", application=application)
        yield application
        return
    app = hosted_model(settings)
    was_up = bool(serve.status().proxies) or application is not None
    serve.start(
        proxy_location="Disabled", logging_config={"log_level": "WARNING", "enable_access_log": False}
    )
    try:
        _run(app, settings.llm.hosted.served_name)
        yield OF_JOBS
    finally:
        serve.delete(OF_JOBS)
        if not was_up:
            serve.shutdown()


def _application() -> str | None:
    """Return the application that has the deployment, a job's only if there is no other; None if there is none."""
    names = [
        name
        for name, application in serve.status().applications.items()
        if DEPLOYMENT in application.deployments
    ]
    return min(names, key=lambda name: name == OF_JOBS, default=None)


def _run(app: serve.Application, name: str) -> None:
    log.info("the model starts; this takes a minute or more", model=name)
    with _map_errors(name):
        serve.run(app, name=OF_JOBS, route_prefix=None)


@contextmanager
def _map_errors(name: str) -> Generator[None]:
    """Raise ModelUnavailable if the deployment of the model does not come up."""
    try:
        yield
    except (RuntimeError, RayError, TimeoutError) as error:
        raise ModelUnavailable(model=name, reason=f"it did not come up: {error}; see Ray's logs") from error
