"""A kept run, checked before anything is written by it. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from pathlib import Path

from pytest_ailoop import text
from pytest_ailoop.errors import RunError
from pytest_ailoop.report import runs

__all__ = ["stored_run"]


def stored_run(root: Path, name: str | None) -> runs.StoredRun:
    """Return the run called *name*, the latest where None, if its modules are in this project.

    A run says into which folders files are written, and a run folder may come from elsewhere.
    Raises `RunError`.
    """
    stored = runs.read(runs.find(root, name))
    planned = {one.module for one in stored.run.plan.tests} | set(stored.run.plan.whole_modules)
    for module in sorted(planned | {one.key.module for one in stored.records}):
        if not module.endswith(".py") or not (root / module).is_file():
            raise RunError(
                f"run {stored.run.id} evaluated {text.one_line(repr(module), 200)}, which is not "
                "in this project; nothing was written"
            )
    return stored
