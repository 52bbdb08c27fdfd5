"""A sequence whose things are made when they are asked for. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import TypeVar, overload

__all__ = ["Lazy"]

T = TypeVar("T")


class Lazy(Sequence[T]):
    """Makes an equal thing anew at each access: whoever has many holds few."""

    __slots__ = ()

    @abstractmethod
    def _made(self, at: int) -> T:
        """Return what stands at *at*, counted from 0."""

    @overload
    def __getitem__(self, at: int) -> T: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[T, ...]: ...
    def __getitem__(self, at: int | slice) -> T | tuple[T, ...]:
        if isinstance(at, slice):
            return tuple(map(self._made, range(*at.indices(len(self)))))
        return self._made(range(len(self))[at])

    def __iter__(self) -> Iterator[T]:
        return map(self._made, range(len(self)))
