"""The HTTP ingress: a plain FastAPI app in `api/`, its pages in `ui/`, and the Ray Serve deployments around it.

Knows no database table and no model: `backend.Services` is all that the app may ask.
"""
