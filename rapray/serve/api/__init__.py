"""The HTTP API as a plain FastAPI app: `create_app(services)`.

Knows no Ray: it is served by uvicorn in tests and by the ingress deployment in a cluster, unchanged.
"""

from rapray.serve.api.app import create_app

__all__ = ["create_app"]
