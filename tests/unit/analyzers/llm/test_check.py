"""What `rapray llm check` finds out about a provider."""

from __future__ import annotations

import pytest

from rapray.analyzers.llm.check import check
from tests.support.hostile import HostileServer, Reply, answers, error, status
from tests.support.qwen import settings_for


@pytest.mark.parametrize("listed", [error(401), error(403), error(429), error(500), status(200, b"<html>")])
def test_check_accepts_any_status(listed: Reply) -> None:
    """A server that says no is there, and the analysis decides whether it works."""
    with HostileServer(answers()) as server:
        server.listed = listed
        found = check(settings_for(server), "qwen")
    assert (found["is_reachable"], found["models"], found["problem"]) == (True, None, None)
    assert found["seconds"] is not None


@pytest.mark.parametrize(
    ("reply", "code"), [(error(401), "provider_auth"), (error(503), "provider_unavailable")]
)
def test_check_explains_refusal(reply: Reply, code: str) -> None:
    """The list is refused as the question is."""
    with HostileServer(reply) as server:
        server.listed = reply
        found = check(settings_for(server), "qwen")
    assert (found["is_reachable"], found["problem"]["code"]) == (True, code)


def test_check_unreachable_provider() -> None:
    """No status at all."""
    with HostileServer(answers()) as server:
        settings = settings_for(server)
    found = check(settings, "qwen")
    assert (found["is_reachable"], found["problem"]["code"]) == (False, "provider_unavailable")
