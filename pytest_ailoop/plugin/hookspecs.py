"""Hooks that other plugins and conftest files may answer. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_ailoop.session import Outcome

__all__ = ["pytest_ailoop_run_finished"]


@pytest.hookspec
def pytest_ailoop_run_finished(config: pytest.Config, outcome: Outcome) -> None:
    """Called once on the controlling process, after the run was stored and before the summary.

    `outcome.run` is the run's lineage, `outcome.records` the item records in plan order and
    `outcome.comparison` how they stand to the committed baseline::

        def pytest_ailoop_run_finished(config, outcome):
            send_to_dashboard(outcome.run.id, outcome.run.counts)
    """
