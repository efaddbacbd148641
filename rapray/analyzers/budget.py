"""The account that paid work is charged to: set aside first, settled when it is known what it took.

Knows no price, no provider's API and no database: `rapray.store.costs.RunBudget` keeps one for all workers of a run.
"""

from __future__ import annotations

from typing import Protocol
from uuid import UUID


class Budget(Protocol):
    """The account of one run. Safe to use from several threads."""

    def reserve(self, provider: str, usd: float) -> UUID:
        """Set aside the most that a request may cost, right before it is sent; the name of what was set aside.

        Raises:
            CostLimitReached: there is no room for it.
        """
        ...

    def settle(self, reservation: UUID, *, cost_usd: float, input_tokens: int, output_tokens: int) -> None:
        """Put what the request did cost in the place of what was set aside for it."""
        ...

    def release(self, reservation: UUID) -> None:
        """Give back what was set aside for a request that was never sent."""
        ...
