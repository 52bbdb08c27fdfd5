"""Threads that a body starts belong to its item.

`threading.Thread` and `ThreadPoolExecutor.submit` do not carry context variables. While many items
run at once, a model call from such a thread could be told to belong to none of them.
PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import concurrent.futures.thread as pools
import threading
from typing import Any

from pytest_ailoop import recorder

__all__ = ["CarryPatch"]


def _carry(thread: threading.Thread) -> None:
    run = recorder.carried(thread.run)
    # Bound methods are made anew each time they are asked for.
    if run == thread.run:
        return

    def once() -> None:
        # Else the thread would hold itself until the garbage collector comes.
        thread.__dict__.pop("run", None)
        run()

    thread.run = once  # type: ignore[method-assign]


class CarryPatch:
    """Lets threads and pool jobs know the item of the code that started them."""

    def __init__(self) -> None:
        submit: Any = pools.ThreadPoolExecutor.submit
        start = threading.Thread.start
        self._originals = submit, start

        def carrying_submit(pool: Any, function: Any, /, *args: Any, **kwargs: Any) -> Any:
            return submit(pool, recorder.carried(function), *args, **kwargs)

        def carrying_start(thread: threading.Thread) -> None:
            # A pool's thread serves other items after this one.
            if getattr(thread, "_target", None) is not pools._worker:
                _carry(thread)
            start(thread)

        self._patched: tuple[Any, Any] = carrying_submit, carrying_start
        pools.ThreadPoolExecutor.submit = carrying_submit  # type: ignore[method-assign]
        threading.Thread.start = carrying_start  # type: ignore[method-assign, assignment]

    def undo(self) -> None:
        """Put back what stood there; below another's patch, ours stays and does no harm."""
        submit, start = self._patched
        if pools.ThreadPoolExecutor.submit is submit:
            pools.ThreadPoolExecutor.submit = self._originals[0]  # type: ignore[method-assign]
        if threading.Thread.start is start:
            threading.Thread.start = self._originals[1]  # type: ignore[method-assign]
