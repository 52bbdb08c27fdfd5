"""Which kept runs are pooled, which are refused, and that their order is none of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_ailoop.data.call import Call
from pytest_ailoop.data.record import ItemRecord, Plan, RunRecord
from pytest_ailoop.data.score import Score
from pytest_ailoop.gates import specs
from pytest_ailoop.report.runs import StoredRun
from pytest_ailoop.session import Outcome
from pytest_ailoop.session.pooling import settle_pooled
from tests.fakes.gated import item, plan

KINDS = ("new", "improved", "regressed", "prune")


def drawn(case: str, passed: float | None, **more: Any) -> ItemRecord:
    calls = (Call(digest="d", path="/chat/completions", origin="live"),)
    return item(case, passed, calls=calls, **more)


def kept(number: int, *passed: float | None, planned: Plan | None = None, **more: Any) -> StoredRun:
    """Return a run with a live result for each case."""
    output = f"digest of run {number}"
    records = tuple(drawn(f"c{at}", one, output=output) for at, one in enumerate(passed))
    values = {"started": "", "duration": 0.0, "commit": "abcdef", "plan": planned or plan(records)}
    run = RunRecord(**{"id": f"r{number}", **values, **more})
    return StoredRun(run=run, records=records)


def accepted(root: Path, *stored: StoredRun, **more: Any) -> Outcome:
    return settle_pooled(root, stored, kinds=KINDS, **more)


def baseline(root: Path) -> Path:
    return root / "__snapshots__" / "test_a.ailoop"


def test_runs_are_accepted_together(tmp_path: Path) -> None:
    """A line holds the draws of all of them."""
    found = accepted(tmp_path, kept(1, 1, 0), kept(2, 0, 0), kept(3, 1, 0))
    assert ("accepted 2 lines pooled over 3 runs (6 draws)", "accepted 2 new") == found.accepted
    text = baseline(tmp_path).read_text()
    assert '"case": "c0", "trials": 3, "runs": 3, "scores": {"passed": {"mean": 0.666667,' in text


def test_the_order_is_none_of_it(tmp_path: Path) -> None:
    """The same runs, named in any order, give the same bytes; so does accepting twice."""
    runs = [kept(n, n % 2, 1, last) for n, last in enumerate((0, 1, 1))]
    accepted(tmp_path, *runs)
    before = baseline(tmp_path).read_bytes()
    assert ("nothing to accept",) == accepted(tmp_path, *reversed(runs)).accepted
    baseline(tmp_path).unlink()
    accepted(tmp_path, *reversed(runs))
    assert before == baseline(tmp_path).read_bytes()


OTHER_CHECK = replace(
    kept(1, 1, 1),
    records=tuple(
        replace(one, scores=(*one.scores, Score(name="contains", value=1.0, check=check)))
        for check, one in zip("xy", kept(1, 1, 1).records, strict=True)
    ),
)
CHECKED = tuple(
    replace(one, scores=(*one.scores, Score(name="contains", value=1.0, check="x")))
    for one in kept(2, 1, 1).records
)
ODD = [
    (kept(1, 1, 1, 1), False, "is of another plan than run r2 (other cases of test_a); next: "),
    (kept(1, 1, 1, commit="bbb"), True, "is of commit bbb, run r2 of abcdef; next: leave it out"),
    (kept(1, 1, 1, commit=None), True, "is of no commit, so nobody can tell what it measured"),
    (kept(1, 1, 1, dirty="d"), True, "is of other uncommitted changes than run r2; next: "),
    (kept(1, 1, 1, counts={"settled": 1}), True, "stopped early, so its scores are no fair sample"),
    (
        kept(1, 1, 1, planned=replace(kept(1, 1, 1).run.plan, narrowed=("-k",))),
        True,
        "is of a part (-k); next: leave it out, or accept it alone (--force takes it)",
    ),
    (replace(kept(1, 1, 1), records=()), True, "is of a part (2 items did not run); next: "),
]


@pytest.mark.parametrize(("odd", "may", "words"), ODD)
def test_a_run_that_does_not_fit_is_refused(
    tmp_path: Path, odd: StoredRun, may: bool, words: str
) -> None:
    """By name, with the reason and what to do; nothing is written, unless that may be forced."""
    found = accepted(tmp_path, odd, kept(2, 1, 1))
    (told,) = found.refused
    assert told.startswith(f"not pooled: run r1 {words}")
    assert "next: " in told
    assert not baseline(tmp_path).exists()
    assert may == (not accepted(tmp_path, odd, kept(2, 1, 1), forced=True).refused)
    assert may == baseline(tmp_path).exists()


def test_another_check_is_another_measure(tmp_path: Path) -> None:
    """Scores by two checks have no mean, forced or not."""
    newer = replace(kept(2, 1, 1), records=CHECKED)
    found = accepted(tmp_path, OTHER_CHECK, newer, forced=True)
    words = "not pooled: run r1 measured 'contains' of test_a by another check; next: leave it out"
    assert (words,) == found.refused


def test_ci_never_accepts_by_itself(tmp_path: Path) -> None:
    """A pool is refused there as a run is."""
    found = accepted(tmp_path, kept(1, 1), kept(2, 1), barred=True)
    assert "CI never accepts by itself" in found.refused[0]
    assert not baseline(tmp_path).exists()


def test_the_gates_decide_over_all_runs(tmp_path: Path) -> None:
    """What no run could tell alone, the pool may: only then is a loss accepted without force."""
    gate = specs.no_regression(0.05)
    good = [1.0] * 60
    few = [0.0] * 3 + [1.0] * 57
    planned = plan(kept(0, *good).records, gate)
    accepted(tmp_path, kept(1, *good, planned=planned), kept(2, *good, planned=planned))
    before = baseline(tmp_path).read_text()
    found = accepted(tmp_path, kept(3, *few, planned=planned), kept(4, *few, planned=planned))
    assert ["inconclusive"] == [one.status for one in found.gates]
    assert "left 60 cases as accepted before" in found.refused[0]
    assert before == baseline(tmp_path).read_text()
    bad = [0.0] * 30 + [1.0] * 30
    found = accepted(tmp_path, kept(5, *bad, planned=planned), kept(6, *few, planned=planned))
    assert ["regressed"] == [one.status for one in found.gates]
    assert before != baseline(tmp_path).read_text()


def test_missing_cases_go_only_if_every_run_passed(tmp_path: Path) -> None:
    """One that failed is no complete run that passes."""
    accepted(tmp_path, kept(1, 1, 1, 1), kept(2, 1, 1, 1))
    red = kept(4, 1, 1, exit_status=1)
    found = accepted(tmp_path, kept(3, 1, 1), red)
    assert "left 1 missing (pruning needs a complete run that passes)" in found.accepted
    assert "removed 1 missing" in accepted(tmp_path, kept(3, 1, 1), kept(4, 1, 1)).accepted
