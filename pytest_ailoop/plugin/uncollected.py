"""Where evals may be that were not collected, which a gate over several tests must know.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from pytest_ailoop.plugin import options, stand_in

if TYPE_CHECKING:
    from pytest_ailoop.plugin.evaluation import Evaluation

__all__ = ["uncollected"]


def uncollected(evaluation: Evaluation) -> dict[str, str]:
    """Return the paths from the root, each with why, as `Plan.uncollected` holds them.

    Only where it matters: for gates over several tests together.
    """
    if not any(one.together for one in evaluation.gates):
        return {}
    return {**dict(_asked(evaluation)), **dict(_lost(evaluation))}


def _asked(evaluation: Evaluation) -> Iterator[tuple[str, str]]:
    """Yield what the command line left out."""
    config = evaluation.config
    start = config.invocation_params.dir
    for argument in config.args:
        path, is_node, _ = str(argument).partition("::")
        if is_node:
            yield evaluation.relative(start / path), "node ids"
    for argument in options.ignored(config):
        option, _, name = argument.partition("=")
        left = start / name
        if option == "--ignore-glob":
            yield "", option
        elif left.is_dir() or stand_in.mentions_us(left):
            yield evaluation.relative(left), option
    if config.getoption("lf", False) and _leaves_files_out(config):
        yield "", "--lf"


def _leaves_files_out(config: pytest.Config) -> bool:
    """Return whether `--lf` passed over files without a failure; where nobody knows, it did."""
    plugin = config.pluginmanager.get_plugin("lfplugin")
    return bool(getattr(plugin, "_skipped_files", getattr(plugin, "lastfailed", True)))


def _lost(evaluation: Evaluation) -> Iterator[tuple[str, str]]:
    """Yield modules with evals that failed, or skipped themselves."""
    for collector, outcome in evaluation.config.stash.get(options.LOST, ()):
        if collector.path.suffix == ".py" and stand_in.mentions_us(collector.path):
            yield evaluation.relative(collector.path), _WORDS.get(outcome, outcome)


_WORDS = {"failed": "an error", "skipped": "it skips itself as a whole"}
