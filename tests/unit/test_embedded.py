"""The parts of the embedded servers that need no server."""

from __future__ import annotations

import os
import pickle
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr

from rapray.config.settings import DatabaseSettings, RedisSettings, Settings
from rapray.embedded import Endpoints, down, refuse_on_cluster, resolve_endpoints, status
from rapray.embedded.account import Account, service_account
from rapray.embedded.control import ensure_running
from rapray.embedded.paths import Paths
from rapray.embedded.postgres import cluster_settings
from rapray.embedded.processes import ProcessId, birth_of, find_servers, identify, stop
from rapray.embedded.record import (
    Credentials,
    EndpointRecord,
    ServerRecord,
    load_credentials,
    read_endpoint,
    save_credentials,
    write_endpoint,
)
from rapray.errors import DataDirUnsafe, EmbeddedOnCluster, EmbeddedServerError

EMBEDDED = Endpoints(
    "postgresql://rapray:secret@127.0.0.1:1/rapray", "redis://:secret@127.0.0.1:2/0", True, True
)


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that does nothing until it is killed."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_endpoints_repr_hides_passwords():
    """A log line or a traceback that shows endpoints shows no password."""
    assert "secret" not in repr(EMBEDDED)
    assert "secret" not in str(EMBEDDED)


def test_endpoints_pickled_survive():
    """Endpoints are handed to Ray workers."""
    assert pickle.loads(pickle.dumps(EMBEDDED)) == EMBEDDED


def test_resolve_external_urls_only(tmp_path: Path):
    """Addresses in the settings are used, and the data directory is not touched."""
    settings = Settings(
        data_dir=tmp_path / "data",
        database=DatabaseSettings(url=SecretStr("postgresql://u:p@db/x")),
        redis=RedisSettings(url=SecretStr("redis://cache/0")),
    )
    found = resolve_endpoints(settings)
    assert found == Endpoints(found.database_url, "redis://cache/0", False, False)
    assert conninfo_to_dict(found.database_url) == conninfo_to_dict(
        "postgresql://u:p@db/x?connect_timeout=10"
    )
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("url", "timeout"),
    [("postgresql://u:p@db/x", "40"), ("host=db user=u", "40"), ("postgresql://db/x?connect_timeout=3", "3")],
)
def test_resolve_adds_connect_timeout(tmp_path: Path, url: str, timeout: str) -> None:
    """Workers connect with the address alone; one that names a time-out of its own keeps it."""
    database = DatabaseSettings(url=SecretStr(url), connect_timeout_s=40)
    settings = Settings(data_dir=tmp_path, database=database, redis=RedisSettings(enabled=False))
    assert conninfo_to_dict(resolve_endpoints(settings).database_url)["connect_timeout"] == timeout


def test_resolve_malformed_url_unchanged(tmp_path: Path) -> None:
    """The error of a connection hides the password; an error here would not."""
    database = DatabaseSettings(url=SecretStr("postgresql://u:s3cret@[broken/x"))
    settings = Settings(data_dir=tmp_path, database=database, redis=RedisSettings(enabled=False))
    assert resolve_endpoints(settings).database_url == "postgresql://u:s3cret@[broken/x"


def test_resolve_redis_disabled(tmp_path: Path):
    """Redis that is switched off has no address, whatever its url says."""
    settings = Settings(
        data_dir=tmp_path / "data",
        database=DatabaseSettings(url=SecretStr("postgresql://u:p@db/x")),
        redis=RedisSettings(enabled=False, url=SecretStr("redis://cache/0")),
    )
    assert resolve_endpoints(settings).redis_url is None


def test_refuse_on_several_hosts():
    """A loopback address cannot be reached from a second host, and the error says what to set."""
    with pytest.raises(EmbeddedOnCluster, match="RAPRAY_DATABASE__URL"):
        refuse_on_cluster(EMBEDDED, ["10.0.0.1", "10.0.0.2"])


def test_refuse_names_embedded_redis():
    """A shared database does not save an embedded Valkey."""
    endpoints = Endpoints("postgresql://db/x", EMBEDDED.redis_url, False, True)
    with pytest.raises(EmbeddedOnCluster, match="RAPRAY_REDIS__URL"):
        refuse_on_cluster(endpoints, ["10.0.0.1", "10.0.0.2"])


@pytest.mark.parametrize("addresses", [[], ["10.0.0.1"], ["10.0.0.1"] * 3])
def test_refuse_allows_single_host(addresses: list[str]):
    """Several raylets on one machine all reach its loopback."""
    refuse_on_cluster(EMBEDDED, addresses)


def test_refuse_allows_external_servers():
    """Servers that the settings name are the operator's to make reachable."""
    refuse_on_cluster(Endpoints("postgresql://db/x", None, False, False), ["10.0.0.1", "10.0.0.2"])


def test_reaped_process_is_dead(sleeper: subprocess.Popen[bytes]):
    """An identity ends with its process, also while the process is still a zombie."""
    found = identify(sleeper.pid)
    assert found is not None
    assert found.is_alive
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert not found.is_alive


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process have any bytes as its name")
def test_identify_undecodable_process_name():
    """A process is identified even if its name contains undecodable bytes, brackets or spaces."""
    program = r"open('/proc/self/comm', 'wb').write(b'\xff) Z 1\xe9'); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        stranger = identify(process.pid)
        process.kill()
    assert stranger is not None
    assert stranger.birth.rpartition(":")[2].isdigit()


def test_recycled_pid_not_signalled(sleeper: subprocess.Popen[bytes]):
    """A pid that belongs to another process now is left alone by stop."""
    stranger = ProcessId(sleeper.pid, "born at another time")
    assert stop(stranger, [(signal.SIGKILL, 1.0)]) is True
    assert birth_of(sleeper.pid) is not None


def test_find_servers_other_directory(tmp_path: Path):
    """A process of the right name in the wrong directory is not ours."""
    assert find_servers(Path(sys.executable).name, tmp_path) == []


def test_endpoint_file_is_private(tmp_path: Path):
    """The endpoint file holds passwords: only its owner may read it."""
    me = identify(os.getpid())
    assert me is not None
    record = EndpointRecord(
        supervisor=me,
        started_at=1.5,
        owner=None,
        postgres=ServerRecord("PostgreSQL", "ready", 1, "18.6", process=me, started_at=2.0),
        valkey=ServerRecord("Valkey", "restarting", 2, "9.1.2", restarts=3, error="out of memory"),
        credentials=Credentials("a", "b", 1, 2),
    )
    path = tmp_path / "endpoint.json"
    write_endpoint(path, record)
    assert read_endpoint(path) == record
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["endpoint.json"]


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"supervisor": 1}'])
def test_endpoint_damaged_is_none(tmp_path: Path, content: str):
    """A damaged endpoint file is as good as none: the next start looks for the servers themselves."""
    path = tmp_path / "endpoint.json"
    path.write_text(content, encoding="utf-8")
    assert read_endpoint(path) is None


def test_credentials_saved_are_private(tmp_path: Path):
    """Passwords at rest are readable by their owner alone."""
    path = tmp_path / "credentials.json"
    save_credentials(path, Credentials("a", "b", 1, 2))
    assert load_credentials(path) == Credentials("a", "b", 1, 2)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_cluster_settings_small_container():
    """In 512 MB, the buffers leave room for everything else, and nothing needs a large /dev/shm."""
    settings = cluster_settings(512 << 20, 64 << 20)
    assert settings["shared_buffers"] == "32MB"
    assert settings["maintenance_work_mem"] == "64MB"
    assert settings["dynamic_shared_memory_type"] == "mmap"


def test_cluster_settings_large_host():
    """A host of a terabyte does not give a laptop's server 64 GB."""
    settings = cluster_settings(1 << 40, 1 << 39)
    assert settings["shared_buffers"] == "1024MB"
    assert "dynamic_shared_memory_type" not in settings


def test_prepare_path_too_long(tmp_path: Path):
    """PostgreSQL would cut the path; rapray says it first."""
    with pytest.raises(EmbeddedServerError, match="too long"):
        Paths.of(tmp_path / ("d" * 200) / ("d" * 200) / ("d" * 200) / ("d" * 230)).prepare(service_account())


def test_prepare_path_below_file(tmp_path: Path):
    """A data directory that cannot be made is an error with the path, not a traceback."""
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedServerError, match="file"):
        Paths.of(tmp_path / "file" / "data").prepare(service_account())


@pytest.mark.parametrize("ask", [ensure_running, down, status])
def test_open_data_dir_is_refused(tmp_path: Path, ask: Callable[[Path], object]):
    """What anyone may have written there is not believed: neither where a server is nor which process to stop."""
    (tmp_path / "data" / "run").mkdir(parents=True)
    planted = tmp_path / "data" / "run" / "endpoint.json"
    planted.write_text("{}")
    (tmp_path / "data").chmod(0o777)
    with pytest.raises(
        DataDirUnsafe, match=f"RAPRAY_DATA_DIR to a new directory inside it, such as {tmp_path}/data/rapray"
    ):
        ask(tmp_path / "data")
    assert list((tmp_path / "data").iterdir()) == [planted.parent]


def test_unused_directory_stays_untouched(tmp_path: Path):
    """Looking at a directory that never had servers makes nothing."""
    assert down(tmp_path / "data") is False
    assert [server.state for server in status(tmp_path / "data").servers] == ["stopped", "stopped"]
    assert not (tmp_path / "data").exists()


def test_account_own_ignores_links(tmp_path: Path):
    """The servers' account cannot make root hand over a file of root by a link in a directory of its own."""
    target = tmp_path / "of-root"
    target.touch()
    before = target.stat().st_uid
    (tmp_path / "link").symlink_to(target)
    other = Account("other", 65534, 65534, is_other=os.geteuid() == 0)
    other.own(tmp_path / "link")
    assert target.stat().st_uid == before


def test_account_write_replaces_link(tmp_path: Path):
    """A link where the file should be is replaced: what it points to keeps its content and its owner."""
    target, link = tmp_path / "of-root", tmp_path / "valkey.conf"
    target.write_text("kept")
    link.symlink_to(target)
    account = Account("me", os.geteuid(), os.getegid(), is_other=False)
    account.write_private(link, "password")
    assert (target.read_text(encoding="utf-8"), link.read_text(encoding="utf-8")) == ("kept", "password")
    assert not link.is_symlink()
    assert stat.S_IMODE(link.stat().st_mode) == 0o600


def test_account_write_directory_link(tmp_path: Path):
    """A directory that was swapped for a link is not written to."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "valkey").symlink_to(tmp_path / "elsewhere")
    account = Account("me", os.geteuid(), os.getegid(), is_other=False)
    with pytest.raises(OSError, match="directory"):
        account.write_private(tmp_path / "valkey" / "valkey.conf", "password")
    assert not list((tmp_path / "elsewhere").iterdir())


def test_down_unopenable_lock_file(tmp_path: Path):
    """A lock file that cannot be opened, as on a read-only file system, is an error with its reason."""
    (tmp_path / "run" / "start.lock").mkdir(parents=True)
    with pytest.raises(EmbeddedServerError, match="cannot be locked"):
        down(tmp_path)
