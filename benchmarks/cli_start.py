"""What does `rapray` cost before a command does its work, in processor time and memory?

Each command runs in new processes, in turns with the alternative: `--help` of a typer program with one empty command,
or with `--before` the same command of another checkout. Medians; one run of each before that compiles the modules.

    python -m benchmarks.cli_start [--before FOLDER] [--rounds 7] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from contextlib import chdir
from dataclasses import asdict, dataclass
from pathlib import Path

HERE = Path(__file__).parent.parent
COMMANDS = (["--version"], ["--help"], ["analyze", "--help"], ["config", "show"])
EMPTY_PROGRAM = [sys.executable, "-c", "import typer; typer.run(lambda: None)", "--help"]


@dataclass(frozen=True)
class Cost:
    """What one process took: user and system time, and its largest resident memory."""

    cpu_s: float
    memory_mb: float


def cost(program: Sequence[str], checkout: Path) -> Cost:
    """Run a program to its end, with the modules of a checkout.

    Linux counts the memory of the process that starts a program as the program's, so this one imports nothing large.
    """
    variables = {name: value for name, value in os.environ.items() if not name.startswith("RAPRAY_")}
    silence = [(os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_WRONLY, 0) for stream in (1, 2)]
    process = os.posix_spawn(
        program[0], program, variables | {"PYTHONPATH": str(checkout)}, file_actions=silence
    )
    _, status, used = os.wait4(process, 0)
    assert os.waitstatus_to_exitcode(status) == 0, program
    bytes_per_unit = 1 if sys.platform == "darwin" else 1024
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss * bytes_per_unit / 1e6)


def median(costs: Sequence[Cost]) -> Cost:
    """Return the median of each figure."""
    return Cost(
        round(statistics.median(cost.cpu_s for cost in costs), 3),
        round(statistics.median(cost.memory_mb for cost in costs), 1),
    )


def measure(command: Sequence[str], before: Path | None, rounds: int) -> tuple[Cost, Cost]:
    """Return what a command and its alternative cost."""
    program = [sys.executable, "-m", "rapray.cli", *command]
    alternative = EMPTY_PROGRAM if before is None else program
    pairs = [(cost(program, HERE), cost(alternative, before or HERE)) for _ in range(1 + rounds)]
    ours, theirs = zip(*pairs[1:], strict=True)
    return median(ours), median(theirs)


def main() -> None:
    """Print a table, or one JSON line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--before", type=Path, help="a checkout to compare with")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    before: Path | None = options.before and options.before.resolve()
    with tempfile.TemporaryDirectory() as empty, chdir(empty):
        costs = {" ".join(command): measure(command, before, options.rounds) for command in COMMANDS}
    if options.json:
        commands = {
            name: {"rapray": asdict(ours), "alternative": asdict(theirs)}
            for name, (ours, theirs) in costs.items()
        }
        print(json.dumps({"benchmark": "cli_start", "alternative": str(before or "typer"), **commands}))
        return
    print(f"{'rapray …':16} {'CPU':>8} {'memory':>9}   alternative: {before or 'an empty typer program'}")
    for name, (ours, theirs) in costs.items():
        print(
            f"{name:16} {ours.cpu_s:6.2f} s {ours.memory_mb:6.1f} MB   {theirs.cpu_s:6.2f} s {theirs.memory_mb:6.1f} MB"
            f"   {ours.cpu_s / theirs.cpu_s:.2f} x CPU, {ours.memory_mb / theirs.memory_mb:.2f} x memory"
        )


if __name__ == "__main__":
    main()
