"""`Completions` within a cluster: requests to the hosted model through a Serve handle, without HTTP.

Knows no lyric. For threads: an event loop must not wait here.
"""

from __future__ import annotations

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
        try:
            reply = response.result(timeout_s=self._provider.timeout_s)
        except TimeoutError as error:
            response.cancel()
            reason = f"no answer within {self._provider.timeout_s:g} s"
            raise _unavailable(reason) from error
        except BackPressureError as error:
            raise _unavailable("its queue is full", retry_after_s=1.0) from error
        except (DeploymentUnavailableError, ReplicaUnavailableError, RayActorError) as error:
            raise _unavailable("no replica answers") from error
        except RayTaskError as error:
            reason = f"{type(error.cause).__name__}: {error.cause}"
            raise _unavailable(reason) from error
        return generation_in(HOSTED_PROVIDER, reply)


def _unavailable(reason: str, retry_after_s: float | None = None) -> ProviderUnavailable:
    return ProviderUnavailable(
        provider=HOSTED_PROVIDER, reason=reason, retry_after_s=retry_after_s, status=None
    )
