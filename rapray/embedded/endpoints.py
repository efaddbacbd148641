"""Where the database and Redis are: the addresses in the settings, or the embedded servers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from rapray.embedded.control import ensure_running
from rapray.embedded.postgres import DATABASE, USER
from rapray.embedded.record import EndpointRecord
from rapray.errors import EmbeddedOnCluster
from rapray.net.loopback import LOOPBACK

if TYPE_CHECKING:
    from pydantic import SecretStr

    from rapray.config.settings import DatabaseSettings, Settings


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Two addresses with their passwords, which the repr leaves out; `redis_url` is None if Redis is switched off."""

    database_url: str = field(repr=False)
    redis_url: str | None = field(repr=False)
    is_database_embedded: bool
    is_redis_embedded: bool


def resolve_endpoints(settings: Settings, owner_pid: int | None = None) -> Endpoints:
    """Return the addresses to use; start the embedded servers of `settings.data_dir` if an address is not set.

    Raises:
        EmbeddedServerError: PostgreSQL cannot be started.
        MissingExtra: the servers' wheels are not installed.
    """
    is_database_embedded = settings.database.url is None
    is_redis_embedded = settings.redis.enabled and settings.redis.url is None
    record = None
    if is_database_embedded or is_redis_embedded:
        record = ensure_running(settings.data_dir, owner_pid)
    return Endpoints(
        database_url=_configured(settings.database) or database_url(record),
        redis_url=(_reveal(settings.redis.url) or redis_url(record)) if settings.redis.enabled else None,
        is_database_embedded=is_database_embedded,
        is_redis_embedded=is_redis_embedded,
    )


def refuse_on_cluster(endpoints: Endpoints, node_addresses: Sequence[str]) -> None:
    """Refuse embedded servers on a cluster of several hosts: they listen on one host's loopback.

    Args:
        endpoints: what the job or the ingress is about to use.
        node_addresses: the IP address of each Ray node; several nodes on one machine share theirs.

    Raises:
        EmbeddedOnCluster: a node on another host could not reach a loopback address.
    """
    hosts = len(set(node_addresses))
    if hosts <= 1:
        return
    nodes = len(node_addresses)
    if endpoints.is_database_embedded:
        raise EmbeddedOnCluster(server="PostgreSQL", nodes=nodes, hosts=hosts, setting="RAPRAY_DATABASE__URL")
    if endpoints.is_redis_embedded:
        raise EmbeddedOnCluster(server="Valkey", nodes=nodes, hosts=hosts, setting="RAPRAY_REDIS__URL")


def database_url(record: EndpointRecord | None) -> str:
    """Return the address of the supervised PostgreSQL."""
    assert record is not None
    address = f"{USER}:{record.credentials.postgres_password}@{LOOPBACK}:{record.postgres.port}/{DATABASE}"
    # While the server is down, another user of this host may take its port, and must not be sent the password.
    return f"postgresql://{address}?require_auth=scram-sha-256"


def redis_url(record: EndpointRecord | None) -> str:
    """Return the address of the supervised Valkey."""
    assert record is not None
    return f"redis://:{record.credentials.valkey_password}@{LOOPBACK}:{record.valkey.port}/0"


def _configured(settings: DatabaseSettings) -> str | None:
    """Return the address in the settings, with their time-out unless it has its own: workers get only the address."""
    url = _reveal(settings.url)
    try:
        named = conninfo_to_dict(url or "")
    except ProgrammingError:
        return url  # connecting will say what is wrong with it
    if not url or "connect_timeout" in named:
        return url
    # libpq takes whole seconds, and 1 as 2
    return make_conninfo(url, connect_timeout=max(2, round(settings.connect_timeout_s)))


def _reveal(url: SecretStr | None) -> str | None:
    return None if url is None else url.get_secret_value()
