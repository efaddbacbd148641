"""The kernels that models compute with on this host, as the libraries themselves name them.

A process of its own finds them out: oneDNN names its instructions only on standard output, and a library that
is set to instructions which the processor lacks kills that process, not ours.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib.util import find_spec

from rapray.errors import MissingExtra, ModelUnavailable

# The libraries choose kernels by these variables, which they read when a process starts.
VARIABLES = (
    "ATEN_CPU_CAPABILITY",
    "ONEDNN_MAX_CPU_ISA",
    "DNNL_MAX_CPU_ISA",
    "MKL_ENABLE_INSTRUCTIONS",
    "MKL_CBWR",
    "OMP_NUM_THREADS",
)
_DEADLINE_S = 120
_ONEDNN_ISA = re.compile(r"^(?:onednn|dnnl)_verbose,.*\bisa:(.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Kernels:
    """What torch and its libraries use. `onednn` and `blas` are None if this torch was built without them."""

    torch: str
    onednn: str | None
    blas: str | None
    threads: int
    has_bfloat16: bool

    def __str__(self) -> str:
        """Return one line for a person."""
        bfloat16 = "multiplied by the processor" if self.has_bfloat16 else "emulated (slow)"
        parts = [
            f"torch {self.torch}",
            f"oneDNN {self.onednn}" if self.onednn else "no oneDNN",
            self.blas or "no MKL",
            f"{self.threads} thread{'s' if self.threads > 1 else ''}",
            f"bfloat16 {bfloat16}",
        ]
        limits = [f"{name}={os.environ[name]}" for name in VARIABLES if os.environ.get(name)]
        return "; ".join([", ".join(parts), *([f"set by {', '.join(limits)}"] if limits else [])])


def in_use() -> Kernels:
    """Run a small computation in a process like ours and return the kernels it used.

    Raises:
        MissingExtra: torch is not installed.
        ModelUnavailable: torch cannot compute on this host.
    """
    if find_spec("torch") is None:
        raise MissingExtra(feature="Every local model", extra="embeddings")
    return _in_use(tuple(os.environ.get(name) for name in VARIABLES))


@cache  # loading torch takes two seconds, and only the variables can change the answer
def _in_use(_variables: tuple[str | None, ...]) -> Kernels:
    try:
        process = subprocess.run(
            [sys.executable, "-m", "rapray.ops.kernels"],
            env={**os.environ, "ONEDNN_VERBOSE": "1"},
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_DEADLINE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _unusable(str(error)) from error
    if process.returncode:
        last = (process.stderr.strip() or "it printed no reason").splitlines()[-1]
        reason = f"it ended with code {process.returncode} ({last})"
        raise _unusable(reason)
    kernels = Kernels(**json.loads(process.stdout.strip().splitlines()[-1]))
    isa = _ONEDNN_ISA.search(process.stdout)
    return replace(kernels, onednn=isa.group(1) if isa else None)


def _unusable(reason: str) -> ModelUnavailable:
    reason = f"a test computation with torch failed: {reason}; check the variables {', '.join(VARIABLES)}"
    return ModelUnavailable(model="any local model", reason=reason)


def _in_this_process() -> Kernels:
    import torch

    from rapray.embeddings.precision import has_bfloat16  # loads numpy, which the other checks do not need

    if torch.backends.mkldnn.is_available():
        torch.zeros(8, 8).to_mkldnn()  # oneDNN names its instructions when it first does anything
    blas = re.search(r"(oneAPI Math Kernel Library Version \S+|OpenBLAS\S*)", torch.__config__.show())
    return Kernels(
        torch=torch.backends.cpu.get_cpu_capability(),
        onednn=None,
        blas=blas.group(1).replace("oneAPI Math Kernel Library Version", "MKL") if blas else None,
        threads=torch.get_num_threads(),
        has_bfloat16=has_bfloat16(),
    )


if __name__ == "__main__":
    print("\n" + json.dumps(asdict(_in_this_process())))  # noqa: T201 (read by `in_use`)
