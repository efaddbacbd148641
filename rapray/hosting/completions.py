"""`Completions` within a cluster: requests to the hosted model through a Serve handle, without HTTP.

For threads only: an event loop must not wait here.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from ray.exceptions import RayActorError, RayTaskError
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError, ReplicaUnavailableError
from ray.serve.handle import DeploymentHandle

from rapray.analyzers.llm.completions import Generation, generation_in, request_of
from rapray.analyzers.llm.prompts import Message
from rapray.config.llm import HOSTED_PROVIDER, ProviderSettings
from rapray.errors import ProviderUnavailable


class HostedCompletions:
    """Asks the hosted model.

    Args:
        provider: the settings of `local`.
        handle: of the deployment.
    """

    def __init__(self, provider: ProviderSettings, handle: DeploymentHandle[Any]) -> None:
        self._provider = provider
        self._handle = handle.options(_by_reference=False)

    def ask(self, messages: list[Message], **members: Any) -> Generation:
        """Send one request; raises as `Completions.ask`."""
        response = self._handle.complete.remote(request_of(self._provider, messages, members))
        timeout_s = self._provider.timeout_s
        with _map_errors(timeout_s):
            try:
                reply = response.result(timeout_s=timeout_s)
            except TimeoutError:
                response.cancel()
                raise
        return generation_in(HOSTED_PROVIDER, reply)


@contextmanager
def _map_errors(timeout_s: float) -> Generator[None]:
    """Raise ProviderUnavailable in place of Ray's errors."""
    try:
        yield
    except TimeoutError as error:
        reason = f"no answer within {timeout_s:g} s"
        raise _unavailable(reason) from error
    except BackPressureError as error:
        raise _unavailable("its queue is full", retry_after_s=1.0) from error
    except (DeploymentUnavailableError, ReplicaUnavailableError, RayActorError) as error:
        raise _unavailable("no replica answers") from error
    except RayTaskError as error:
        reason = f"{type(error.cause).__name__}: {error.cause}"
        raise _unavailable(reason) from error


def _unavailable(reason: str, retry_after_s: float | None = None) -> ProviderUnavailable:
    return ProviderUnavailable(
        provider=HOSTED_PROVIDER, reason=reason, retry_after_s=retry_after_s, status=None
    )
