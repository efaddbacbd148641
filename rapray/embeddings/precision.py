"""Picks the device and the number format that a model computes in.

Does not know any model. torch is imported when asked, because it takes a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rapray.config import LocalModelSettings

if TYPE_CHECKING:
    import torch


def pick_device(settings: LocalModelSettings) -> str:
    """The configured device, or the best that is there."""
    import torch

    if settings.device != "auto":
        return settings.device
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def pick_dtype(settings: LocalModelSettings, device: str) -> torch.dtype:
    """The configured format; by itself bfloat16 only where the hardware multiplies in it.

    On 2 cores with avx512_bf16 that is three times as fast, cosine to float32 0.9999; emulated it is slower.
    """
    import torch

    if settings.dtype != "auto":
        return torch.bfloat16 if settings.dtype == "bfloat16" else torch.float32
    if device.startswith("cuda"):
        is_fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        is_fast = device == "cpu" and has_bfloat16()
    return torch.bfloat16 if is_fast else torch.float32


def has_bfloat16() -> bool:
    """Return True if the processor multiplies in bfloat16 and ONEDNN_MAX_CPU_ISA does not forbid it."""
    import torch

    flags = torch.cpu.get_capabilities()
    if not (flags.get("avx512_bf16") or flags.get("amx_bf16")):
        return False
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())  # noqa: SLF001 - there is no public name
