"""The language model that rapray hosts itself: vLLM in a Ray Serve deployment, for HTTP and for jobs.

Knows no track and no analyzer's result. vLLM is imported where a model starts, and nowhere else.
"""

from rapray.hosting.completions import HostedCompletions
from rapray.hosting.deployment import DEPLOYMENT, check_hosted, hosted_model
from rapray.hosting.running import running_model

__all__ = ["DEPLOYMENT", "HostedCompletions", "check_hosted", "hosted_model", "running_model"]
