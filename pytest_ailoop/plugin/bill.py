"""What the items that a session kept had cost before. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from typing import Any

from pytest_ailoop.data.money import Money

__all__ = ["Kept"]


class Kept:
    """Items of interrupted runs that were told again, and what their live calls had cost."""

    def __init__(self) -> None:
        self.count = 0
        self._known, self._priced, self._unknown = 0.0, 0, 0

    def add(self, record: dict[str, Any]) -> None:
        """Count a kept item by its record."""
        self.count += 1
        for call in record["calls"]:
            if call["origin"] != "live":
                continue
            if call["cost"] is None:
                self._unknown += 1
            else:
                self._priced += 1
                self._known += call["cost"]

    @property
    def cost(self) -> Money:
        """US dollars that were paid when they ran."""
        return Money(known=round(self._known, 9), priced=self._priced, unknown=self._unknown)
