"""What the configuration names and no collected eval has: a gate or an entry that does nothing.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from pytest_ailoop import text
from pytest_ailoop.plugin import options

if TYPE_CHECKING:
    from pytest_ailoop.plugin.evaluation import Evaluation

__all__ = ["unnamed"]


def unnamed(evaluation: Evaluation, tests: Mapping[tuple[str, str], str]) -> Iterator[str]:
    """Yield a warning for each gate of the configuration, and each accepted failure, without tests.

    *tests* are those that were collected, module and name, each with its function. Nothing where
    the user asked for a part, or where no eval was collected.
    """
    entries = evaluation.settings.config.accepted_failures
    if not tests or not (evaluation.gates or entries):
        return
    if not options.collects_all(evaluation.config):
        return
    idle = (one for one in evaluation.gates if not any(one.covers(*test) for test in tests))
    like = text.one_line("::".join(next(iter(tests))), 120)
    for table in dict.fromkeys(one.name.partition(": ")[0] for one in idle):
        yield f"gates.{table}: its `tests` name no test; they match names like {like!r}"
    for entry in entries:
        known = {
            case
            for (module, test), function in tests.items()
            if entry.covers(module, test)
            for case in evaluation.collected[module, function].dataset.facts.case_digests
        }
        if entry.case not in known:
            close = text.suggestion(entry.case, sorted(known))
            yield f"accepted_failures: no test that it is over has a case {entry.case!r}{close}"
