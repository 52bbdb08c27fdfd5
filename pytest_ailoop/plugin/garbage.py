"""Python's garbage collector, kept from going through what was there before the first item.

Modules, fixtures and items stay until the end, and there are hundreds of thousands of objects of
them; to go through them again and again took a tenth of a run that answers from its cache, more the
more items there are. What is frozen is freed as ever when nobody refers to it any more; only rings
of objects that stood before the first item wait until the session's end. What items make is looked
through as always, so pytest tells of finalizers that fail. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import functools
import gc

import pytest

__all__ = ["spare", "thaw_at_end"]

_FROZEN = pytest.StashKey[bool]()


def thaw_at_end(config: pytest.Config) -> None:
    """See to it that what `spare` froze is given back after pytest's own cleanup.

    To be called when the session is configured: cleanups run last first, and pytest's own looks
    for garbage.
    """
    config.add_cleanup(functools.partial(_thaw, config))


def spare(config: pytest.Config) -> None:
    """Let the collector pass over all that there is; not where somebody else froze or stopped."""
    frozen = getattr(gc, "get_freeze_count", None)  # Not every Python has it.
    if frozen is None or frozen() or not gc.isenabled():
        return
    gc.collect(1)  # What collection dropped would stay as well.
    gc.freeze()
    config.stash[_FROZEN] = True


def _thaw(config: pytest.Config) -> None:
    if config.stash.get(_FROZEN, False):
        gc.unfreeze()
