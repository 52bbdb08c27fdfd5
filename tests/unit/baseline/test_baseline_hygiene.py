"""What chance may not replace in a baseline, and small losses that add up."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_ailoop.baseline.accept import Acceptance, accept
from pytest_ailoop.baseline.compare import compare
from pytest_ailoop.baseline.hygiene import Undecided, slips
from pytest_ailoop.baseline.measure import accepted_from
from pytest_ailoop.data.gate import GateSpec, GateVerdict
from pytest_ailoop.gates import specs
from tests.fakes.gated import PLAIN, item, plan, run

ALL = ("new", "improved", "regressed", "prune")
GATE = specs.no_regression(0.05)


def verdict(status: Any, gate: GateSpec = GATE, **facts: Any) -> GateVerdict:
    return GateVerdict(
        gate=gate,
        module="test_a.py",
        test="test_a",
        variant=PLAIN,
        status=status,
        blocking=False,
        facts=facts,
    )


def accepting(*verdicts: GateVerdict, kinds: Any = ALL) -> Acceptance:
    """Accept ten cases, of which two fell and one is new, over nine accepted ones."""
    records = run(7, 10)
    planned = plan(records, tags={"c8": ("must",)})
    old = accepted_from(run(9, 9), plan(run(9, 9))).entries
    comparison = compare(old, accepted_from(records, planned), planned)
    undecided = Undecided(planned, verdicts).why
    return accept(old, comparison, kinds, complete_and_passing=True, undecided=undecided)


def means(found: Acceptance) -> dict[str, float]:
    return {key.case: one.scores["passed"].mean for key, one in found.entries.items()}


@pytest.mark.parametrize("open_", [verdict("inconclusive"), verdict("invalid", unscored=3)])
def test_what_a_comparison_could_not_tell_of_is_kept(open_: GateVerdict) -> None:
    """The accepted lines stay and it is said; a case without a line is accepted all the same."""
    found = accepting(open_)
    assert (1.0, 1.0, 0.0) == tuple(means(found)[case] for case in ("c7", "c8", "c9"))
    (words,) = found.refused
    assert words.startswith(
        f"left 2 cases as accepted before: no_regression(0.05) of test_a is {open_.status}"
    )
    assert "--ailoop-force" in words
    assert ("accepted 1 new",) == found.done


@pytest.mark.parametrize(
    "decided",
    [
        verdict("regressed"),
        verdict("same"),
        verdict("no baseline"),
        # Another check, or cases that went, are a way in which accepting is the way out.
        verdict("invalid", unscored=0),
        verdict("inconclusive", specs.pass_rate(0.9)),
    ],
)
def test_a_known_change_is_accepted(decided: GateVerdict) -> None:
    """A loss that was shown is a person's to accept; a bar does not hang on the baseline."""
    found = accepting(decided)
    assert ((), 0.0) == (found.refused, means(found)["c8"])


def test_a_gate_over_a_tag_holds_its_cases_alone() -> None:
    """Other cases are accepted."""
    found = accepting(verdict("inconclusive", specs.no_regression(0.05, tag="must")))
    assert (0.0, 1.0) == (means(found)["c7"], means(found)["c8"])


def test_what_was_not_asked_for_is_not_refused() -> None:
    """Accepting new cases alone touches no line."""
    assert () == accepting(verdict("inconclusive"), kinds=("new",)).refused


@pytest.mark.parametrize(("now", "told"), [(60, False), (59, False), (58, True), (50, True)])
def test_a_baseline_that_came_down_is_told(now: int, told: bool) -> None:
    """More than half of the margin below the pinned one, two small losses look like none."""
    pinned = accepted_from(run(60, 60)).entries
    rolling = accepted_from(run(now, 60)).entries
    found = list(slips(rolling, pinned, [verdict("same"), verdict("same")]))
    assert told == bool(found)
    assert len(found) <= 1
    if told:
        assert f"lies {(60 - now) / 60:.3g} below the pinned one in 'passed'" in found[0]


def test_what_was_measured_otherwise_did_not_come_down() -> None:
    """Cases that changed since they were pinned are not compared."""
    pinned = accepted_from(run(60, 60)).entries
    changed = [item(f"c{at}", 0.0, case_digest="other") for at in range(60)]
    assert [] == list(slips(accepted_from(changed).entries, pinned, [verdict("same")]))
    assert [] == list(slips(pinned, {}, [verdict("same")]))
