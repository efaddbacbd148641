"""Picks the device and the number format that a model computes in.

Does not know any model. torch is imported when asked, because it takes a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rapray.config import LocalModelSettings
from rapray.errors import MissingExtra, ModelUnavailable

if TYPE_CHECKING:
    import torch


def pick_device(settings: LocalModelSettings) -> str:
    """Return the configured device, or the best that is there and not denied by `gpus: 0`.

    Raises:
        ModelUnavailable: torch cannot compute on the configured device here.
    """
    import torch

    if settings.device != "auto":
        if not _is_usable(settings.device):
            reason = f"device is {settings.device!r}, and torch sees no such device here; set device to 'auto' or 'cpu'"
            raise ModelUnavailable(model=settings.model, reason=reason)
        return settings.device
    if settings.gpus != 0 and torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _is_usable(device: str) -> bool:
    import torch

    kind, _, index = device.partition(":")
    if kind == "cuda":
        return torch.cuda.is_available() and int(index or 0) < torch.cuda.device_count()
    return kind == "cpu" or torch.backends.mps.is_available()


def explain_device(settings: LocalModelSettings) -> str:
    """Return the device that a model would compute on here, why, and what its actors and replicas ask Ray for.

    Raises:
        MissingExtra: torch is not installed.
        ModelUnavailable: as `pick_device`.
    """
    try:
        device = pick_device(settings)
    except ModuleNotFoundError as missing:
        raise MissingExtra(feature="A model", extra="embeddings") from missing
    if settings.device != "auto":
        why = "as the setting device says"
    elif settings.gpus == 0:
        why = "because gpus is 0"
    else:
        why = "because torch sees no GPU here" if device == "cpu" else "because torch sees one here"
    return f"{device}, {why}; {_asked_of_ray(settings)}"


def _asked_of_ray(settings: LocalModelSettings) -> str:
    if settings.gpus_needed == "auto":
        return "on a cluster with GPUs one for each actor and replica"
    if settings.gpus_needed == 0:
        return "actors and replicas ask for no GPU"
    return f"each actor and replica asks for {settings.gpus_needed:g} GPU"


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
