"""Which provider a name means, whether it is configured, and the gate that all its users share.

Sends no request to a provider.
"""

from __future__ import annotations

from rapray import embedded
from rapray.cache import connect
from rapray.cache.gate import Gate, GateLimits, ProcessGate
from rapray.cache.redis_gate import FallbackGate, RedisGate
from rapray.config import Settings
from rapray.config.llm import HOSTED_PROVIDER, ProviderSettings
from rapray.errors import ProviderNotConfigured, UnknownAnalyzer
from rapray.net.loopback import local_url

ANALYZER_VERSION = "1.0.0"
_LEASE_MARGIN_S = (
    90.0  # in its slot a request also waits for the run's account, a minute where PostgreSQL restarts
)
_PATIENCE_S = (
    90.0  # three pauses: without a bound a job waits for a provider that is down lyric by lyric, for days
)


def provider_of(settings: Settings, name: str) -> ProviderSettings:
    """The settings of a provider, configured or not.

    Raises:
        UnknownAnalyzer: there is none of that name.
    """
    known = settings.llm.providers
    if name not in known:
        raise UnknownAnalyzer(name=name, known=", ".join(known))
    return _hosted(settings, known[name]) if is_hosted(settings, name) else known[name]


def is_hosted(settings: Settings, name: str) -> bool:
    """True where the provider is the model that rapray hosts itself."""
    return name == HOSTED_PROVIDER and settings.llm.hosted.model is not None


def _hosted(settings: Settings, provider: ProviderSettings) -> ProviderSettings:
    """The provider `local` where rapray hosts the model; programs outside of the cluster find it at the ingress."""
    hosted = settings.llm.hosted
    changes = {
        "enabled": True,
        "needs_key": False,
        "base_url": f"{local_url(settings.serve.host, settings.serve.port)}/v1",
        "model": hosted.served_name,
        "revision": hosted.revision or provider.revision,
    }
    return provider.model_copy(update=changes)


def require_configured(settings: Settings, name: str) -> ProviderSettings:
    """The settings of a provider that can be asked.

    Raises:
        ProviderNotConfigured: names the setting that is missing.
    """
    provider = provider_of(settings, name)
    variable = f"RAPRAY_LLM__PROVIDERS__{name.upper()}"
    if not provider.enabled:
        missing = (
            f"set {variable}__ENABLED=true, and {variable}__BASE_URL where it is not {provider.base_url}"
        )
        raise ProviderNotConfigured(provider=name, missing=missing)
    if provider.needs_key and not (provider.api_key and provider.api_key.get_secret_value()):
        raise ProviderNotConfigured(provider=name, missing=f"set {variable}__API_KEY")
    return provider


def gate_of(settings: Settings, name: str) -> Gate:
    """The provider's limits and breaker: of everybody who uses the same Redis, else of this process."""
    provider = provider_of(settings, name)
    limits = GateLimits(
        concurrency=provider.concurrency,
        lease_s=provider.timeout_s + _LEASE_MARGIN_S,
        requests_per_minute=provider.requests_per_minute,
        tokens_per_minute=provider.tokens_per_minute,
        patience_s=max(_PATIENCE_S, provider.max_wait_s),
    )
    alone = ProcessGate(limits)
    url = _redis_url(settings)
    if url is None:
        return alone
    return FallbackGate(RedisGate(connect(url, settings.redis.timeout_s), name, limits), alone)


def _redis_url(settings: Settings) -> str | None:
    """Redis as configured, or the embedded one where it runs: a single text starts no servers."""
    if not settings.redis.enabled:
        return None
    if settings.redis.url is not None:
        return settings.redis.url.get_secret_value()
    if not embedded.status(settings.data_dir).is_up:
        return None
    return embedded.resolve_endpoints(settings).redis_url
