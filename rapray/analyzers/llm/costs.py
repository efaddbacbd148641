"""What requests cost: tokens times prices, and the account of a run that they are charged to.

Knows no database: a run's account is handed in.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Protocol

from rapray.config.llm import ProviderSettings


class Budget(Protocol):
    """The account of one run; `rapray.store.costs.RunBudget` keeps it for all workers."""

    def reserve(self, provider: str, usd: float) -> None:
        """Set aside the most that a request may cost; raises CostLimitReached where there is no room."""
        ...

    def settle(
        self, provider: str, *, reserved_usd: float, cost_usd: float, input_tokens: int, output_tokens: int
    ) -> None:
        """Put what it did cost in its place."""
        ...


class ProcessBudget:
    """An account inside one process, for requests that belong to no run."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.cost_usd = 0.0

    def reserve(self, provider: str, usd: float) -> None:
        """Everything is allowed."""

    def settle(
        self, provider: str, *, reserved_usd: float, cost_usd: float, input_tokens: int, output_tokens: int
    ) -> None:
        """Add it up."""
        with self._lock:
            self.cost_usd += cost_usd


@dataclass(slots=True)
class Usage:
    """What one lyric took, all its requests together, those that failed too."""

    requests: int = 0
    repairs: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


def price(provider: ProviderSettings, input_tokens: int, output_tokens: int) -> float | None:
    """US dollars of so many tokens; None where a price is not known."""
    if provider.input_usd_per_million is None or provider.output_usd_per_million is None:
        return None
    return (
        input_tokens * provider.input_usd_per_million + output_tokens * provider.output_usd_per_million
    ) / 1_000_000
