"""How many trials of each case are planned, and how the test may stop before all of them.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pytest_ailoop import errors
from pytest_ailoop.data.gate import GateSpec, StopRule

if TYPE_CHECKING:
    from pytest_ailoop.plugin.marker import Marked
    from pytest_ailoop.settings import Settings

__all__ = ["planned_trials"]


def planned_trials(
    settings: Settings, marked: Marked, gates: Sequence[GateSpec], where: str
) -> tuple[int, StopRule | None]:
    """Return the trials of each case, and how the test may stop early; None is not at all.

    A run that becomes the baseline is never to stop early. Raises `UsageError` where the marker
    leaves it to gates that are not there.
    """
    own = [one for one in gates if not one.together]
    for keyword, value, says in (
        ("trials", marked.trials, "auto"),
        ("stop", marked.stop, "settled"),
    ):
        if value == says and not own:
            raise errors.UsageError(
                f"{where}: marker ailoop: {keyword}={says!r} stops where the gates' verdict is "
                f"settled, but {_no_gate(gates)}; give it gate=[...]"
            )
    fixed = marked.trials if isinstance(marked.trials, int) else 1
    whole = bool(settings.accept)
    if own and settings.trials is None:
        auto = marked.trials == "auto" or settings.auto_trials
        more = any((one.inconclusive or settings.inconclusive) == "more" for one in own)
        first = max([1 if auto else fixed, *(_least(one.reduce) for one in gates if auto)])
        most = max(first, settings.max_trials)
        if auto and (whole or most == first):
            return most, None
        if (auto or more) and most > first and not whole:
            rule = StopRule(by="rounds", seed=settings.seed, first=first, most=most)
            return most, rule
    if own and (marked.stop or settings.stop) == "settled" and not whole:
        return fixed, StopRule(by="cases", seed=settings.seed)
    return fixed, None


def _no_gate(gates: Sequence[GateSpec]) -> str:
    return "its gates are over several tests together" if gates else "the test has no gate"


def _least(reduce: str) -> int:
    """Return how many trials a case must have for *reduce* to say anything: 3 for `pass@3`."""
    digits = "".join(one for one in reduce if one.isdigit())
    return int(digits) if digits else 1
