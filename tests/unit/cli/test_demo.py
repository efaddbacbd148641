"""Which of the user's settings the demo uses, and which it never does."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any, cast

import pytest

from rapray.cli import state
from rapray.cli.demo import _demo_settings  # pyright: ignore[reportPrivateUsage]

SITE: Any = SimpleNamespace(url="http://127.0.0.1:8099", token="sample-token")
ELSEWHERE = {
    "database.url": "postgresql://someone@db.example/theirs",
    "redis.url": "redis://cache.example/0",
    "genius.web_url": "https://genius.com",
    "genius.requests_per_second": "3",
    "serve.host": "0.0.0.0",
}


@pytest.mark.parametrize("is_command_line", [True, False])
def test_demo_ignores_foreign_servers(monkeypatch: pytest.MonkeyPatch, is_command_line: bool) -> None:
    """The demo uses neither the user's servers nor the user's source, wherever they are set."""
    environment = os.environ.copy()
    if not is_command_line:
        environment |= {f"RAPRAY_{key.replace('.', '__').upper()}": value for key, value in ELSEWHERE.items()}
    monkeypatch.setattr(os, "environ", environment)
    overrides = [f"{key}={value}" for key, value in ELSEWHERE.items()] if is_command_line else []
    state.root_options(overrides=[*overrides, "jobs.workers=7"])
    settings = _demo_settings(state.settings(), SITE)
    assert (settings.database.url, settings.redis.url, settings.serve.host) == (None, None, "127.0.0.1")
    assert (settings.genius.web_url, settings.genius.api_url) == (SITE.url, f"{SITE.url}/api")
    assert settings.genius.requests_per_second == 50
    assert settings.jobs.workers == 7
    assert cast("dict[str, str]", os.environ)["RAPRAY_DATABASE__URL"] == ""
