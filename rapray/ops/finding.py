"""One thing that the doctor looked at."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

State = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that was looked at. "fail" stops rapray from working, "warn" takes something away."""

    subject: str
    state: State
    summary: str
    advice: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the finding as plain JSON."""
        return asdict(self)
