"""What the doctor says of the kernels that models compute with."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from rapray.config import Settings
from rapray.ops import kernels
from rapray.ops.doctor import Finding, examine

pytest.importorskip("torch", reason="the embeddings extra is not installed")


def finding(data_dir: Path) -> Finding:
    """The doctor's finding."""
    (kernels_finding,) = (
        finding for finding in examine(Settings(data_dir=data_dir)) if finding.subject == "kernels"
    )
    return kernels_finding


@pytest.mark.skipif(
    platform.system() != "Linux" or platform.machine() != "x86_64",
    reason="these are instructions of x86, and only there does torch come with MKL",
)
def test_doctor_names_kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Instructions of torch and oneDNN, BLAS, threads and number format, and which variables set them."""
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "default")
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "SSE41")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    found = finding(tmp_path)
    assert found.state == "ok"
    assert "torch DEFAULT, oneDNN Intel SSE4.1, MKL 2" in found.summary
    assert "1 thread, bfloat16 emulated (slow)" in found.summary
    assert "ATEN_CPU_CAPABILITY=default, ONEDNN_MAX_CPU_ISA=SSE41" in found.summary


def test_doctor_unusable_kernels_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where torch cannot be loaded the doctor says how its process ended, and goes on."""
    (tmp_path / "torch.py").write_text("raise SystemExit('no such instruction')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")  # the answer for other variables is not reused
    found = finding(tmp_path)
    assert found.state == "fail"
    assert "no such instruction" in found.advice
    assert "ATEN_CPU_CAPABILITY" in found.advice


def test_kernels_match_this_host() -> None:
    """Instructions and threads are those that torch has in any new process of this environment."""
    asked = "import json, torch; print(json.dumps([torch.backends.cpu.get_cpu_capability(), torch.get_num_threads()]))"
    answer = json.loads(subprocess.check_output([sys.executable, "-c", asked]))
    in_use = kernels.in_use()
    assert [in_use.torch, in_use.threads] == answer
