"""Puts the API together: `create_app(services)`.

Decides no behaviour: that is in the routers, the middleware and the problems.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from rapray import __version__
from rapray.serve.admission import Admission
from rapray.serve.api import analyze, chat, errors, operations, pages, reference, search, stream, tracks
from rapray.serve.api.body import JsonRoute
from rapray.serve.api.intake import Intake
from rapray.serve.api.middleware import RequestContext
from rapray.serve.backend import Services
from rapray.serve.ui.render import STATIC
from rapray.telemetry import metric

DESCRIPTION = """\
Analyse rap lyrics, search a collection of them by meaning, read a track with its measures and rhymes.

Every error is `application/problem+json` (RFC 9457) with a stable `code` and the `request_id` that is also in the
`X-Request-ID` header; send your own to find a request in the log again.
"""


def create_app(
    services: Services, *, admission: Admission | None = None, proxy_sends_id: bool = False
) -> FastAPI:
    """Return the ASGI app over `services`, which it opens when it starts and closes when it stops.

    `admission` limits how many requests are worked on at once; its limits may change while the app runs.
    `proxy_sends_id` means that the proxy in front puts an `X-Request-ID` into every request and answer, as
    Ray Serve does: the app takes that id and does not send it a second time.
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
        metric("rapray_build_info").labels(version=__version__).set(1)
        await services.open()
        try:
            yield
        finally:
            await services.close()

    app = FastAPI(
        title="rapray",
        version=__version__,
        description=DESCRIPTION,
        docs_url=None,  # the built-in page loads its code from elsewhere; `/docs` is our own
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
    )
    app.state.services = services
    app.router.route_class = JsonRoute
    errors.install(app)
    app.add_middleware(Intake, admission=admission or Admission())
    app.add_middleware(RequestContext, proxy_sends_id=proxy_sends_id)
    for router in (
        analyze.router,
        stream.router,
        search.router,
        tracks.router,
        chat.router,
        operations.router,
        pages.router,
    ):
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    reference.install(app)
    return app
