"""What keeps a baseline honest: lines that chance may not replace, and losses that add up; pure.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import fsum

from pytest_ailoop.data.baseline import Accepted, EntryKey, sorted_axes
from pytest_ailoop.data.gate import GateVerdict
from pytest_ailoop.data.record import Plan
from pytest_ailoop.data.variant import Variant
from pytest_ailoop.text import plural

__all__ = ["Undecided", "slips"]

_Group = tuple[str, str, Variant]

OUTCOME = "passed"


class Undecided:
    """Knows the accepted cases over which a comparison could not tell whether they got worse.

    To accept such a run is to take one more draw for the truth: whoever does so until it looks well
    has a baseline that is too high, or one that comes down unseen.
    """

    def __init__(self, plan: Plan, verdicts: Iterable[GateVerdict]) -> None:
        self._tags = {(one.module, one.test): one.tags for one in plan.tests}
        self._open: dict[_Group, list[GateVerdict]] = {}
        for one in verdicts:
            if _is_open(one):
                for group in _groups(one):
                    self._open.setdefault(group, []).append(one)

    def why(self, key: EntryKey) -> str:
        """Return which gate could not tell of a case; empty where none is in doubt."""
        for one in self._open.get((key.module, key.test, key.variant), ()):
            tags = self._tags.get((key.module, key.test), {}).get(key.case, ())
            if one.gate.tag is None or one.gate.tag in tags:
                return f"{one.gate.name} of {_called(one)} is {one.status}"
        return ""


def _is_open(verdict: GateVerdict) -> bool:
    """Invalid for another reason (a check that changed, cases that went) can only be accepted."""
    if verdict.gate.kind != "no_regression":
        return False
    unscored = verdict.status == "invalid" and verdict.facts.get("unscored")
    return verdict.status == "inconclusive" or bool(unscored)


def _groups(verdict: GateVerdict) -> tuple[_Group, ...]:
    variant = sorted_axes(verdict.variant)
    return tuple((module, test, variant) for module, test in verdict.groups)


def _called(verdict: GateVerdict) -> str:
    label = verdict.variant.label
    called = plural(len(verdict.tests), "test") if verdict.tests else verdict.test
    return f"{called} [{label}]" if label else called


def slips(
    rolling: Mapping[EntryKey, Accepted],
    pinned: Mapping[EntryKey, Accepted],
    verdicts: Iterable[GateVerdict],
) -> Iterator[str]:
    """Yield, for each score that gates, by how much the baseline has come down since it was pinned.

    Where it is more than half of the margin: many small losses, each of them accepted.
    """
    told: set[tuple[tuple[_Group, ...], str]] = set()
    for one in verdicts:
        name = one.gate.score or OUTCOME
        if one.gate.kind != "no_regression" or (_groups(one), name) in told:
            continue
        falls = list(_falls(rolling, pinned, _groups(one), name))
        fall = fsum(falls) / len(falls) if falls else 0.0
        margin = one.gate.margin or 0.0
        if fall > margin / 2 and fall > 0:
            told.add((_groups(one), name))
            yield (
                f"the baseline of {_called(one)} lies {fall:.3g} below the pinned one in {name!r}, "
                f"over {plural(len(falls), 'case')}: small losses that were accepted add up, and "
                f"{one.gate.name} tolerates {margin:g}; next: find them (git log -p of the "
                "baseline), or `ailoop pin` if this is where it shall be"
            )


def _falls(
    rolling: Mapping[EntryKey, Accepted],
    pinned: Mapping[EntryKey, Accepted],
    groups: Sequence[_Group],
    name: str,
) -> Iterator[float]:
    """Yield by how much each case has come down that both measured by the same checks."""
    for key, before in pinned.items():
        now = rolling.get(key)
        if (key.module, key.test, key.variant) not in groups or now is None:
            continue
        if name not in before.scores or name not in now.scores or not _comparable(before, now):
            continue
        old, new = before.scores[name], now.scores[name]
        yield (old.mean - new.mean) * (1 if new.direction == "higher" else -1)


def _comparable(before: Accepted, now: Accepted) -> bool:
    common = set(before.scores) & set(now.scores)
    same = all(
        (before.scores[one].check, before.scores[one].direction)
        == (now.scores[one].check, now.scores[one].direction)
        for one in common
    )
    return same and before.case_digest == now.case_digest
