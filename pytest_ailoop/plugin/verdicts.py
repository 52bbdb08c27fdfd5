"""The file that tells machines how a run ended. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_ailoop.plugin import options

if TYPE_CHECKING:
    from pytest_ailoop.plugin.evaluation import Evaluation

__all__ = ["begin", "write"]


def begin(config: pytest.Config) -> None:
    """Say in the file that there is no verdict yet: that of an earlier run must not be read.

    Raises pytest's `UsageError` where the file cannot be written.
    """
    from pytest_ailoop.report.verdict import write_no_verdict

    try:
        write_no_verdict(_path(config))
    except OSError as error:
        raise pytest.UsageError(
            f"ailoop: --ailoop-verdict-file: {options.verdict_file(config)} cannot be written: "
            f"{error.strerror or error}"
        ) from None


def write(evaluation: Evaluation, session: pytest.Session) -> None:
    """Write the verdict, where it is asked for; that it cannot be written is a fault of the run."""
    config, outcome = evaluation.config, evaluation.outcome
    if outcome is None or options.verdict_file(config) is None:
        return
    from pytest_ailoop.report.verdict import write_verdict

    run = replace(outcome.run, exit_status=int(session.exitstatus))
    try:
        write_verdict(_path(config), run, (*outcome.faults, *outcome.refused))
    except OSError as error:
        fault = f"the verdict could not be written: {error.strerror or error}"
        evaluation.outcome = replace(outcome, faults=(*outcome.faults, fault))


def _path(config: pytest.Config) -> Path:
    return config.invocation_params.dir / (options.verdict_file(config) or "")
