"""What the doctor says of the kernels that models compute with."""

from __future__ import annotations

from pathlib import Path

import pytest

from rapray.config import Settings
from rapray.ops import kernels
from rapray.ops.doctor import Finding, examine

pytest.importorskip("torch", reason="the embeddings extra is not installed")


def finding(data_dir: Path) -> Finding:
    """The doctor's finding."""
    (found,) = (finding for finding in examine(Settings(data_dir=data_dir)) if finding.subject == "kernels")
    return found


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
    monkeypatch.setenv("OMP_NUM_THREADS", "3")  # asked anew for other variables
    found = finding(tmp_path)
    assert found.state == "fail"
    assert "no such instruction" in found.advice
    assert "ATEN_CPU_CAPABILITY" in found.advice


def test_look_reads_this_host() -> None:
    """The same torch answers in the other process: as many threads as here, and the same instructions."""
    import torch

    found = kernels.in_use()
    assert found is not None
    assert found.torch == torch.backends.cpu.get_cpu_capability()
    assert found.threads >= 1
