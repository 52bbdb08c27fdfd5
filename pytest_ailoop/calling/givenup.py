"""Which calls were tried for the last time. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import weakref

__all__ = ["GivenUp"]


class GivenUp:
    """Remembers them for each item: a client that tries once more is told at once."""

    def __init__(self) -> None:
        self._found: weakref.WeakKeyDictionary[object, dict[str, tuple[int, Exception | None]]] = (
            weakref.WeakKeyDictionary()
        )

    def get(self, item: object, address: str) -> tuple[int, Exception | None]:
        """Return the tries that *item* made at *address*, and what the last one ended with."""
        return self._found.get(item, {}).get(address, (0, None))

    def add(self, item: object, address: str, tries: int, fault: Exception | None) -> None:
        """Keep that no try follows; *fault* None says that there was an answer of some status."""
        self._found.setdefault(item, {})[address] = (tries, fault)

    def forget(self, item: object, address: str) -> None:
        """Take it back: a reply came."""
        self._found.get(item, {}).pop(address, None)
