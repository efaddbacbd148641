"""The parts of the embedded servers that need no server."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr

from rapray.config.settings import DatabaseSettings, RedisSettings, Settings
from rapray.embedded import Endpoints, down, refuse_on_cluster, resolve_endpoints, status
from rapray.embedded.account import Account, service_account
from rapray.embedded.paths import Paths
from rapray.embedded.ports import LOOPBACK, choose, is_free
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
from rapray.errors import EmbeddedOnCluster, EmbeddedServerError

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


def test_resolve_both_urls_set_starts_nothing(tmp_path: Path):
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
def test_resolve_database_url_carries_the_time_out_of_the_settings(
    tmp_path: Path, url: str, timeout: str
) -> None:
    """Workers connect with the address alone; one that names a time-out of its own keeps it."""
    database = DatabaseSettings(url=SecretStr(url), connect_timeout_s=40)
    settings = Settings(data_dir=tmp_path, database=database, redis=RedisSettings(enabled=False))
    assert conninfo_to_dict(resolve_endpoints(settings).database_url)["connect_timeout"] == timeout


def test_resolve_database_url_that_is_none_is_left_to_who_connects(tmp_path: Path) -> None:
    """The error of a connection hides the password; an error here would not."""
    database = DatabaseSettings(url=SecretStr("postgresql://u:s3cret@[broken/x"))
    settings = Settings(data_dir=tmp_path, database=database, redis=RedisSettings(enabled=False))
    assert resolve_endpoints(settings).database_url == "postgresql://u:s3cret@[broken/x"


def test_resolve_redis_disabled_gives_no_redis(tmp_path: Path):
    """Redis that is switched off has no address, whatever its url says."""
    settings = Settings(
        data_dir=tmp_path / "data",
        database=DatabaseSettings(url=SecretStr("postgresql://u:p@db/x")),
        redis=RedisSettings(enabled=False, url=SecretStr("redis://cache/0")),
    )
    assert resolve_endpoints(settings).redis_url is None


def test_refuse_on_cluster_two_hosts_names_the_setting():
    """A loopback address cannot be reached from a second host, and the error says what to set."""
    with pytest.raises(EmbeddedOnCluster, match="RAPRAY_DATABASE__URL"):
        refuse_on_cluster(EMBEDDED, ["10.0.0.1", "10.0.0.2"])


def test_refuse_on_cluster_embedded_redis_only_names_redis():
    """A shared database does not save an embedded Valkey."""
    endpoints = Endpoints("postgresql://db/x", EMBEDDED.redis_url, False, True)
    with pytest.raises(EmbeddedOnCluster, match="RAPRAY_REDIS__URL"):
        refuse_on_cluster(endpoints, ["10.0.0.1", "10.0.0.2"])


@pytest.mark.parametrize("addresses", [[], ["10.0.0.1"], ["10.0.0.1"] * 3])
def test_refuse_on_cluster_one_host_passes(addresses: list[str]):
    """Several raylets on one machine all reach its loopback."""
    refuse_on_cluster(EMBEDDED, addresses)


def test_refuse_on_cluster_external_servers_pass():
    """Servers that the settings name are the operator's to make reachable."""
    refuse_on_cluster(Endpoints("postgresql://db/x", None, False, False), ["10.0.0.1", "10.0.0.2"])


def test_process_dead_and_reaped_is_not_alive(sleeper: subprocess.Popen[bytes]):
    """An identity ends with its process, also while the process is still a zombie."""
    found = identify(sleeper.pid)
    assert found is not None
    assert found.is_alive
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert not found.is_alive


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process have any bytes as its name")
def test_process_name_of_any_bytes_is_identified():
    """The name of a process need not be text in any encoding, nor be free of brackets and blanks."""
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


def test_process_recycled_pid_is_never_signalled(sleeper: subprocess.Popen[bytes]):
    """A pid that belongs to another process now is left alone by stop."""
    stranger = ProcessId(sleeper.pid, "born at another time")
    assert stop(stranger, [(signal.SIGKILL, 1.0)]) is True
    assert birth_of(sleeper.pid) is not None


def test_find_servers_another_directory_finds_nothing(tmp_path: Path):
    """A process of the right name in the wrong directory is not ours."""
    assert find_servers(Path(sys.executable).name, tmp_path) == []


def test_choose_preferred_free_keeps_it():
    """A port stays the same from one start to the next."""
    port = choose(None)
    assert choose(port) == port


def test_choose_preferred_taken_gives_another():
    """A port that another program has taken meanwhile is not fought for."""
    with socket.socket() as other:
        other.bind((LOOPBACK, 0))
        other.listen()
        taken = other.getsockname()[1]
        assert not is_free(taken)
        assert choose(taken) != taken


def test_choose_reserved_port_is_avoided():
    """The two servers never get the same port."""
    port = choose(None)
    assert choose(port, taken=(port,)) != port


def test_endpoint_written_is_private_and_reads_back(tmp_path: Path):
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
def test_endpoint_damaged_reads_as_none(tmp_path: Path, content: str):
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


def test_cluster_settings_small_container_stay_inside_it():
    """In 512 MB, the buffers leave room for everything else, and nothing needs a large /dev/shm."""
    settings = cluster_settings(512 << 20, 64 << 20)
    assert settings["shared_buffers"] == "32MB"
    assert settings["maintenance_work_mem"] == "64MB"
    assert settings["dynamic_shared_memory_type"] == "mmap"


def test_cluster_settings_large_host_are_capped():
    """A host of a terabyte does not give a laptop's server 64 GB."""
    settings = cluster_settings(1 << 40, 1 << 39)
    assert settings["shared_buffers"] == "1024MB"
    assert "dynamic_shared_memory_type" not in settings


def test_prepare_path_too_long_says_so(tmp_path: Path):
    """PostgreSQL would cut the path; rapray says it first."""
    with pytest.raises(EmbeddedServerError, match="too long"):
        Paths.of(tmp_path / ("d" * 200) / ("d" * 200) / ("d" * 200) / ("d" * 230)).prepare(service_account())


def test_prepare_path_below_a_file_names_it(tmp_path: Path):
    """A data directory that cannot be made is an error with the path, not a traceback."""
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedServerError, match="file"):
        Paths.of(tmp_path / "file" / "data").prepare(service_account())


def test_down_and_status_unused_directory_do_nothing(tmp_path: Path):
    """Looking at a directory that never had servers makes nothing."""
    assert down(tmp_path / "data") is False
    assert [server.state for server in status(tmp_path / "data").servers] == ["stopped", "stopped"]
    assert not (tmp_path / "data").exists()


def test_account_own_never_follows_a_link(tmp_path: Path):
    """The servers' account cannot make root hand over a file of root by a link in a directory of its own."""
    target = tmp_path / "of-root"
    target.touch()
    before = target.stat().st_uid
    (tmp_path / "link").symlink_to(target)
    other = Account("other", 65534, 65534, is_other=os.geteuid() == 0)
    other.own(tmp_path / "link")
    assert target.stat().st_uid == before


def test_account_write_private_replaces_a_link_and_not_its_target(tmp_path: Path):
    """A link where the file should be is replaced: what it points to keeps its content and its owner."""
    target, link = tmp_path / "of-root", tmp_path / "valkey.conf"
    target.write_text("kept")
    link.symlink_to(target)
    account = Account("me", os.geteuid(), os.getegid(), is_other=False)
    account.write_private(link, "password")
    assert (target.read_text(encoding="utf-8"), link.read_text(encoding="utf-8")) == ("kept", "password")
    assert not link.is_symlink()
    assert stat.S_IMODE(link.stat().st_mode) == 0o600


def test_account_write_private_directory_is_a_link_refuses(tmp_path: Path):
    """A directory that was swapped for a link is not written to."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "valkey").symlink_to(tmp_path / "elsewhere")
    account = Account("me", os.geteuid(), os.getegid(), is_other=False)
    with pytest.raises(OSError, match="directory"):
        account.write_private(tmp_path / "valkey" / "valkey.conf", "password")
    assert not list((tmp_path / "elsewhere").iterdir())


def test_down_lock_cannot_be_taken_says_so(tmp_path: Path):
    """A lock file that cannot be opened, as on a read-only file system, is an error with its reason."""
    (tmp_path / "run" / "start.lock").mkdir(parents=True)
    with pytest.raises(EmbeddedServerError, match="cannot be locked"):
        down(tmp_path)
