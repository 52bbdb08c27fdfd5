"""What the terminal shows: a line after collection, and the section at the end.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pytest_ailoop import text
from pytest_ailoop.plugin.scrub import clean

if TYPE_CHECKING:
    from pytest_ailoop.plugin.evaluation import Evaluation
    from pytest_ailoop.session import Outcome

__all__ = ["header", "write"]

#: Narrower than this, tables would wrap into nonsense; wider, lines are hard to read.
NARROWEST, WIDEST = 80, 120


def header(evaluation: Evaluation) -> Iterator[str]:
    """Yield one line on what the run works by, where it collected an eval."""
    plan = evaluation.session.planned
    if not plan.tests or evaluation.config.get_verbosity() < 0:
        return
    settings = evaluation.settings
    items = sum(len(one.variants) * sum(one.trials.values()) for one in plan.tests)
    models = {one.model for test in plan.tests for one in test.variants if one.model}
    parts = [f"replies={settings.replies}", f"split={settings.split}"]
    if models:
        parts.append(f"models={','.join(sorted(models))}")
    for name in ("sample", "trials"):
        if getattr(settings, name):
            parts.append(f"{name}={getattr(settings, name)}")
    if settings.accept:
        parts.append(f"accept={','.join(settings.accept)}")
    yield clean(f"ailoop: {text.plural(items, 'item')} to evaluate, {' '.join(parts)}")


def write(evaluation: Evaluation, reporter: Any) -> None:
    """Write the section, unless `--no-summary` asked for none."""
    outcome = evaluation.outcome
    if outcome is None or evaluation.is_worker or reporter.no_summary:
        return
    verbosity = evaluation.config.get_verbosity()
    if verbosity >= 0:
        reporter.section("ailoop", sep="=")
    utf8 = "utf" in (getattr(reporter._tw._file, "encoding", None) or "").lower()
    width = min(max(reporter._tw.fullwidth, NARROWEST), WIDEST)
    for line, markup in _lines(outcome, width=width, verbose=verbosity, utf8=utf8):
        reporter.write_line(line, **markup)
    for line in _notes(evaluation, verbosity):
        reporter.write_line(line if utf8 else line.encode("ascii", "backslashreplace").decode())


def _lines(outcome: Outcome, **looks: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    from pytest_ailoop.report.terminal import lines

    return lines(outcome.report, **looks)


def _notes(evaluation: Evaluation, verbosity: int) -> Iterator[str]:
    for name in evaluation.recorded:
        yield clean(f"recorded: {name}")
    for warning in evaluation.all_warnings():
        yield clean(f"warning: {text.one_line(warning, 400)}")
    outcome = evaluation.outcome
    if outcome is not None and outcome.folder is not None and verbosity >= 0:
        yield f"run: {outcome.folder.relative_to(evaluation.settings.root).as_posix()}"
