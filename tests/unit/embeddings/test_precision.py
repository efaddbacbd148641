"""Results on other processors, emulated by the instructions that the libraries may use, and with other threads."""

from __future__ import annotations

import itertools
import os
import platform
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__  # pyright: ignore
from numpy.typing import NDArray

from tests.support.model_results import assert_same_probabilities, assert_same_vectors

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(find_spec("torch") is None, reason="the embeddings extra is not installed"),
]
DTYPES = ("float32", "bfloat16")
IS_X86 = platform.machine() in {"x86_64", "AMD64"}


def numpy_features() -> str:
    """The instructions beyond its baseline that numpy has found here."""
    return " ".join(name for name in __cpu_dispatch__ if __cpu_features__[name])


# Each is at most what this processor has: the libraries are not told to use what it lacks.
PROCESSORS = {"this one": {"OMP_NUM_THREADS": "2"}}
if __cpu_features__.get("AVX2"):
    PROCESSORS["avx2"] = {
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "ATEN_CPU_CAPABILITY": "avx2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "OMP_NUM_THREADS": "1",
    }
if IS_X86:
    PROCESSORS["sse"] = {
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "ATEN_CPU_CAPABILITY": "default",
        "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
        "MKL_CBWR": "COMPATIBLE",
        "OPENBLAS_CORETYPE": "Nehalem",
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-AVX,-FMA",
        "OMP_NUM_THREADS": "2",
    }
if "AVX512_SKX" in numpy_features() or "X86_V4" in numpy_features():
    # Without AMX where there is AMX; elsewhere the first again, with one thread.
    PROCESSORS["avx512"] = {
        "ONEDNN_MAX_CPU_ISA": "AVX512_CORE",
        "MKL_ENABLE_INSTRUCTIONS": "AVX512",
        "OMP_NUM_THREADS": "1",
    }


def computed(name: str, folder: Path) -> dict[str, NDArray[Any]]:
    """What a process on that processor computes."""
    number, out = list(PROCESSORS).index(name), folder / f"{name}.npz"
    environment = {**os.environ, **PROCESSORS[name], "PYTHONHASHSEED": str(number)}
    if name == "sse":
        environment["NPY_DISABLE_CPU_FEATURES"] = numpy_features()
    command = [sys.executable, "-m", "tests.support.kernel_results", str(out)]
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    with np.load(out) as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, NDArray[Any]]]:
    """What every processor computes, two at a time."""
    folder = tmp_path_factory.mktemp("processors")
    with ThreadPoolExecutor(2) as threads:
        arrays = threads.map(lambda name: computed(name, folder), PROCESSORS)
        return dict(zip(PROCESSORS, arrays, strict=True))


@pytest.mark.parametrize("dtype", DTYPES)
def test_vectors_equal_on_processors(results: dict[str, dict[str, NDArray[Any]]], dtype: str) -> None:
    """Each text has one vector on every processor, alone and in batches, within the tolerance of its format."""
    for (one, some), (other, others) in itertools.combinations(named(results, f"vectors {dtype}"), 2):
        assert_same_vectors(some, others, dtype, (one, other))


@pytest.mark.parametrize("dtype", DTYPES)
def test_probabilities_equal_on_processors(results: dict[str, dict[str, NDArray[Any]]], dtype: str) -> None:
    """Each text has one probability a label on every processor, alone and in batches."""
    for (one, some), (other, others) in itertools.combinations(named(results, f"probabilities {dtype}"), 2):
        assert_same_probabilities(some, others, (one, other))


def test_rules_equal_on_processors(results: dict[str, dict[str, NDArray[Any]]]) -> None:
    """The algorithmic analyzer gives the same bytes, whatever the instructions, threads and hash seed."""
    assert len({arrays["rules"].tobytes() for arrays in results.values()}) == 1


@pytest.mark.skipif(not IS_X86, reason="these are instructions of x86")
def test_pick_dtype_obeys_onednn(results: dict[str, dict[str, NDArray[Any]]]) -> None:
    """Where oneDNN may not use the instructions for bfloat16, "auto" is float32; the variables reached torch."""
    for name, capability in (("avx2", "AVX2"), ("sse", "DEFAULT")):
        if name in results:
            assert results[name]["kernels"].tolist() == [capability, "float32"]


def named(results: dict[str, dict[str, NDArray[Any]]], start: str) -> list[tuple[str, NDArray[Any]]]:
    """Every array whose name starts so, of every processor."""
    return [
        (f"{processor}: {name}", array)
        for processor, arrays in results.items()
        for name, array in arrays.items()
        if name.startswith(start)
    ]
