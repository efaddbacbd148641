"""Every command of README.md, in order, in one environment; and that what README.md names exists.

Three things differ from a user's terminal: Genius is the sample site, ports are free ones, and `make` only says what it
would do. The walk takes minutes: `make readme` runs it. What can be said of the README without running it is said in `make test`.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from typer.main import get_command

from rapray.cli import app
from rapray.samples.corpus import songs
from rapray.samples.site import SampleSite
from tests.support.commands import PATIENCE_S, ROOT, data_directory, environment, heeding_ctrl_c, processes_of
from tests.support.serving import free_port
from tests.support.waiting import wait_for

pytestmark = pytest.mark.timeout(900)
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = tuple(
    line.removeprefix("$ ")
    for block in re.findall(r"^```console\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
    if line.startswith("$ ")
)
JOB_ARTIST = "Mara Quill"


@dataclass(frozen=True)
class Ran:
    """One command of the README and how it ended."""

    command: str
    code: int
    stdout: str
    stderr: str


@dataclass
class Terminal:
    """One shell session: its folder and variables change from command to command, as a user's do."""

    folder: Path
    ray_dir: Path
    variables: dict[str, str]
    ports: Mapping[str, int]
    token: str
    server: subprocess.Popen[bytes] | None = None
    history: list[Ran] = field(default_factory=list[Ran])

    def enter(self, command: str) -> None:
        """Run one line to its end; `rapray serve` until a command follows that asks it nothing."""
        if self.server is not None and not command.startswith("curl "):
            self.stop_server()
        if command.startswith("export "):
            name, _, value = command.removeprefix("export ").partition("=")
            self.variables[name] = self.token if name.endswith("__TOKEN") else value
        elif command.startswith("eval "):
            self._evaluate(command)
        elif command == "rapray serve":
            self._serve()
        elif command == "ray stop" and _foreign_ray(self.ray_dir):
            self.stop_ray()  # `ray stop` would end every Ray of this host
        else:
            self._run(command)

    def _run(self, command: str) -> None:
        done = subprocess.run(
            ["bash", "-euc", self._adapted(command)],
            cwd=self.folder,
            env=self.variables,
            capture_output=True,
            encoding="utf-8",
            timeout=PATIENCE_S,
            check=False,
        )
        self.history.append(Ran(command, done.returncode, done.stdout, done.stderr))

    def _evaluate(self, command: str) -> None:
        """Run it and keep the variables that it leaves behind."""
        self._run(f"{command}; env -0")
        ended = self.history.pop()
        variables = dict(entry.split("=", 1) for entry in ended.stdout.split("\0") if entry)
        self.history.append(Ran(command, ended.code, "", ended.stderr))
        if ended.code == 0:
            self.variables = variables

    def _adapted(self, command: str) -> str:
        """The command on free ports; `make` as a dry run, because a test is what it would start."""
        for documented, port in self.ports.items():
            command = re.sub(rf"\b{documented}\b", str(port), command)
        if command.startswith("make "):
            return command.replace("make ", "make --dry-run ", 1)
        if command.startswith("ray start "):
            agent, client = free_port(), free_port()
            own = f"--port 0 --ray-client-server-port {client} --dashboard-agent-listen-port {agent}"
            return f"{command} {own} --temp-dir {shlex.quote(str(self.ray_dir))}"
        return command

    def _serve(self) -> None:
        log = (self.folder / "serve.log").open("wb")
        with heeding_ctrl_c():
            self.server = subprocess.Popen(
                ["rapray", "serve"],
                cwd=self.folder,
                env=self.variables,
                stdout=log,
                stderr=log,
                process_group=0,
            )
        server = self.server
        wait_for(
            lambda: _answers(self.ports["8000"]) or server.poll() is not None, "the ingress answers", 120
        )

    def stop_server(self) -> None:
        """Ctrl-C."""
        if self.server is None:
            return
        if self.server.poll() is None:
            os.killpg(self.server.pid, signal.SIGINT)
        code = self.server.wait(60)
        said = (self.folder / "serve.log").read_text(encoding="utf-8")
        self.history.append(Ran("rapray serve", 0 if code == 130 else code or 1, "", said))
        self.server = None

    def stop_ray(self) -> None:
        """End the cluster of this session and no other."""
        for process in _of(self.ray_dir):
            process.terminate()
        _, alive = psutil.wait_procs(_of(self.ray_dir), timeout=30)
        for process in alive:
            process.kill()


@pytest.fixture(scope="module")
def history() -> Iterator[list[Ran]]:
    """The whole README, run once from top to bottom."""
    with ExitStack() as stack:
        site = stack.enter_context(SampleSite())
        place = stack.enter_context(data_directory())
        # Not below the data directory: a path of a Unix socket may have 107 characters.
        ray_dir = Path(tempfile.mkdtemp(prefix="rr-"))
        stack.callback(shutil.rmtree, ray_dir, ignore_errors=True)
        terminal = _terminal(site, place, ray_dir)
        stack.callback(terminal.stop_ray)
        stack.callback(terminal.stop_server)
        for command in COMMANDS:
            terminal.enter(command)
        leftovers = processes_of(place)
        terminal.history.append(Ran("leftovers", len(leftovers), "\n".join(leftovers), ""))
        yield terminal.history


def _terminal(site: SampleSite, place: Path, ray_dir: Path) -> Terminal:
    folder = place / "checkout"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(".*", "__pycache__", "tests", "benchmarks"))
    (folder / "lyrics.txt").write_text(songs()[0].lyrics, encoding="utf-8")
    with urllib.request.urlopen(_page_address(site), timeout=30) as page:
        (folder / "page.html").write_bytes(page.read())
    ports = {"8000": free_port(), "8265": free_port()}
    variables = environment(
        COLUMNS="200",
        RAPRAY_DATA_DIR=str(place),
        RAPRAY_SERVE__PORT=str(ports["8000"]),
        RAPRAY_GENIUS__API_URL=f"{site.url}/api",
        RAPRAY_GENIUS__WEB_URL=site.url,
        RAPRAY_GENIUS__REQUESTS_PER_SECOND="50",
        RAPRAY_GENIUS__BURST="10",
    )
    return Terminal(folder, ray_dir, variables, ports, site.token)


def _page_address(site: SampleSite) -> str:
    title = urllib.parse.quote(songs()[0].title)
    request = urllib.request.Request(
        f"{site.url}/api/search?q={title}", headers={"Authorization": f"Bearer {site.token}"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return str(json.load(answer)["response"]["hits"][0]["result"]["url"])


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _of(ray_dir: Path) -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if str(ray_dir) in " ".join(process.info["cmdline"] or [])
    ]


def _foreign_ray(ray_dir: Path) -> bool:
    return any(
        process.info["name"] in {"raylet", "gcs_server"}
        and str(ray_dir) not in " ".join(process.info["cmdline"] or [])
        for process in psutil.process_iter(["name", "cmdline"])
    )


@pytest.fixture
def ran(history: list[Ran]) -> Callable[[str], Ran]:
    """Finds the first command that begins with a text."""

    def find(start: str) -> Ran:
        return next(one for one in history if one.command.startswith(start))

    return find


@pytest.mark.readme
def test_readme_every_command_succeeds(history: list[Ran]) -> None:
    """Each exits 0, in the order in which the README shows them."""
    failed = [(one.command, one.code, one.stdout[-800:], one.stderr[-2000:]) for one in history if one.code]
    assert not failed
    assert len(history) > 20


@pytest.mark.readme
def test_readme_json_output_valid(history: list[Ran]) -> None:
    """What says --json, and what comes over HTTP."""
    commands = [one for one in history if "--json" in one.command or one.command.startswith("curl")]
    assert len(commands) >= 5
    for one in commands:
        assert isinstance(json.loads(one.stdout), dict), one


@pytest.mark.readme
def test_readme_collection_shows_results(ran: Callable[[str], Ran]) -> None:
    """Collect, embed and analyse find work; search and track show it, at the terminal and over HTTP."""
    own = [song for song in songs() if song.artist == JOB_ARTIST]
    for job in ("collect", "embed", "analyze"):
        assert re.search(rf"{job}: \d+ new, 0 unchanged", ran(f"rapray {job}").stderr), job
    assert "(track " in ran("rapray search").stdout
    assert any(song.title in ran("rapray track").stdout for song in own)
    found = json.loads(ran("curl -s http://127.0.0.1:8000/search").stdout)
    assert len(found["results"]) == 3
    assert found["results"][0]["track"]["artist"] == JOB_ARTIST
    track = json.loads(ran("curl -s http://127.0.0.1:8000/track").stdout)
    assert track["sections"]
    assert set(track["analyses"]) == {"algorithmic", "emotion"}
    analyzed = json.loads(ran("curl -s http://127.0.0.1:8000/analyze").stdout)
    assert set(analyzed["results"]) == {"algorithmic", "emotion"}


@pytest.mark.readme
def test_readme_files_without_database(ran: Callable[[str], Ran]) -> None:
    """The analysis of a text, the outcome of a page."""
    analysis = json.loads(ran("rapray analyze --file").stdout)
    assert set(analysis["results"]) == {"algorithmic"}
    assert analysis["language"] == songs()[0].language
    page = json.loads(ran("rapray parse").stdout)
    assert (page["outcome"], page["title"]) == ("lyrics", songs()[0].title)


@pytest.mark.readme
def test_readme_operator_commands_report(ran: Callable[[str], Ran]) -> None:
    """Where a value came from, that servers are up, that a secret stays one."""
    shown = ran("rapray config show --origin").stdout
    assert re.search(r"genius\.contact\W+you@example\.org\W+environment RAPRAY_GENIUS__CONTACT", shown)
    assert "sample-token" not in shown
    assert re.search(r"PostgreSQL\W+ready", ran("rapray status").stdout)
    assert re.search(r"ok\W+schema", ran("rapray doctor").stdout)


@pytest.mark.readme
def test_readme_job_on_cluster(ran: Callable[[str], Ran]) -> None:
    """The job submission ends with what the job said."""
    submitted = ran("ray job submit")
    assert "succeeded" in submitted.stdout + submitted.stderr
    assert "analyze: " in submitted.stdout + submitted.stderr


def test_readme_options_exist() -> None:
    """Each `rapray` command of the README is a command, and has the options that the README gives it."""
    commands = [shlex.split(line)[1:] for line in COMMANDS if line.startswith("rapray ")]
    assert len(commands) > 15
    for words in commands:
        command: Any = get_command(app)
        rest = list(words)
        while hasattr(command, "commands"):
            assert rest[0] in command.commands, words
            command = command.commands[rest.pop(0)]
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in rest if word.startswith("--")} <= options, words


def test_readme_make_targets_exist() -> None:
    """Also those in the prose."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:`|\$ )make ([a-z]+)", README))
    assert {"demo", "test"} <= named
    assert named <= targets


def test_readme_linked_paths_exist() -> None:
    """Links and pictures into this repository."""
    linked = [target for target in re.findall(r"\]\(([^)]+)\)", README) if "://" not in target]
    assert len(linked) > 5
    assert [target for target in linked if not (ROOT / target.partition("#")[0]).exists()] == []


def test_readme_tree_matches_folders() -> None:
    """Every path of the commented tree exists, and every folder of the package is in it."""
    tree = README.partition("## The tree")[2].partition("```\n")[2].partition("```")[0]
    folder, named = Path(), set[str]()
    for line in tree.splitlines():
        name = line.split()[0]
        folder = folder if line.startswith(" ") else Path(name)
        named.add(str(folder / name) if line.startswith(" ") else name.rstrip("/"))
    assert [name for name in named if not (ROOT / name).exists()] == []
    package = {f"rapray/{path.parent.name}" for path in (ROOT / "rapray").glob("*/__init__.py")}
    assert package <= named


def test_package_folders_have_readmes() -> None:
    """A README of a screen or less in each."""
    folders = [path.parent for path in (ROOT / "rapray").glob("*/__init__.py")]
    assert [folder.name for folder in folders if not (folder / "README.md").is_file()] == []
