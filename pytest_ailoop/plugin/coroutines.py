"""Coroutines run to their end from sync code, however that end comes. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio
    import contextvars
    from types import TracebackType

__all__ = ["in_thread", "run"]


def run(runner: asyncio.Runner, coroutine: Any, context: contextvars.Context) -> Any:
    """Run *coroutine* to its end; what cuts it off from outside (a timeout's signal) ends it, too.

    Left alone, it would go on when the loop runs for the next item.
    """
    import asyncio

    __tracebackhide__ = True
    tasks: list[asyncio.Task[Any]] = []
    places: list[TracebackType | None] = []

    async def body() -> Any:
        __tracebackhide__ = True
        tasks.extend(task for task in [asyncio.current_task()] if task)
        try:
            return await coroutine
        except asyncio.CancelledError as cut:
            places.append(cut.__traceback__)
            raise

    async def end() -> None:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=5)

    try:
        return runner.run(body(), context=context)
    except BaseException as fault:
        if not tasks or tasks[0].done():
            raise
        runner.run(end(), context=context)
        # Where the body was when it was cut off tells more than where we waited for it.
        raise fault.with_traceback(places[0] if places else None) from None


def in_thread(work: Callable[[], Any]) -> Any:
    """Return what *work* returns in a thread of its own, in the context of this one."""
    import contextvars
    from concurrent.futures import ThreadPoolExecutor

    context = contextvars.copy_context()
    with ThreadPoolExecutor(1, "ailoop") as pool:
        return pool.submit(context.run, work).result()
