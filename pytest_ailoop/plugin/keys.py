"""Where the plugin keeps its state: stash keys, so that nothing clashes and nothing is global. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_ailoop.plugin.evaluation import Evaluation
    from pytest_ailoop.plugin.items import Running

__all__ = ["EVALUATION", "RUNNING"]

EVALUATION = pytest.StashKey["Evaluation"]()
"""On the config: this session's evaluation, from the first eval on."""

RUNNING = pytest.StashKey["Running"]()
"""On an item: its attempt, from setup to teardown."""
