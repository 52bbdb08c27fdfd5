"""Told when a module is imported, so that nothing needs to be imported just to be patched.

An application may import its client inside the test for the first time; a look at each item's
start would come too late. A finder at the head of `sys.meta_path` steps aside for all modules but
the watched ones, lets the others find them, and calls back once they are loaded.
PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import importlib.abc
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

__all__ = ["Watch"]


class Watch(importlib.abc.MetaPathFinder):
    """Calls `callbacks[name](module)` after the module *name* was imported for the first time."""

    def __init__(self, callbacks: Mapping[str, Callable[[ModuleType], None]]) -> None:
        self.callbacks = callbacks

    def start(self) -> None:
        """Begin to watch, at the head of the finders."""
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)

    def stop(self) -> None:
        """Stop watching."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        callback = self.callbacks.get(fullname)
        if callback is None:
            return None
        for finder in sys.meta_path:
            if finder is self or isinstance(finder, Watch):
                continue
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _Loader(spec.loader, callback)
                return spec
        return None


class _Loader(importlib.abc.Loader):
    """Loads by another loader, then calls back; it takes itself out of the module again."""

    def __init__(
        self, loader: importlib.abc.Loader, callback: Callable[[ModuleType], None]
    ) -> None:
        self._loader, self._callback = loader, callback

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        spec.loader = self._loader
        try:
            return self._loader.create_module(spec)
        finally:
            spec.loader = self

    def exec_module(self, module: ModuleType) -> None:
        spec = module.__spec__
        if spec is not None:
            spec.loader = self._loader
        if module.__loader__ is self:
            module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._callback(module)
