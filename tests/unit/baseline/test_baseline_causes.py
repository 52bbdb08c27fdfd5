"""What changed between the accepted run and this one, over the cases of a group."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_ailoop.baseline.accept import accept, kind_of
from pytest_ailoop.baseline.causes import causes
from pytest_ailoop.baseline.compare import change_of, compare
from pytest_ailoop.baseline.measure import accepted_from
from pytest_ailoop.data.baseline import Accepted, AcceptedScore, Causes, EntryKey
from pytest_ailoop.data.call import Call
from pytest_ailoop.data.score import Score
from pytest_ailoop.data.variant import Variant
from pytest_ailoop.digest import digest_pair
from tests.fakes.gated import item, plan

VARIANT = Variant(model="mini", prompt="terse")
SAME = ("prompts", "models asked", "models answered", "checks", "judges answered", "data")


def line(case: str = "a", passed: float = 1.0, **changes: object) -> Accepted:
    scores = {
        "contains": AcceptedScore(mean=1.0, n=1, check="c1"),
        "passed": AcceptedScore(mean=passed, n=1),
    }
    values: dict[str, object] = {
        "key": EntryKey(module="test_a.py", test="test_a", variant=VARIANT, case=case),
        "scores": scores,
        "trials": 1,
        "case_digest": "d1",
        "output_digests": ("o1",),
        "prompt_digest": "p1",
        "models_answered": ("mini-1",),
        "asked_digest": digest_pair("mini-1", {}),
        "judges_answered": ("wise-1",),
    }
    return Accepted(**{**values, **changes})  # type: ignore[arg-type]


def scores(**checks: str) -> dict[str, AcceptedScore]:
    return {name: AcceptedScore(mean=1.0, n=1, check=one) for name, one in checks.items()}


def of(*pairs: tuple[Accepted | None, Accepted | None], judges: tuple[str, ...] = ()) -> Causes:
    changes = [change_of(before, now) for before, now in pairs if now is not None]
    (found,) = causes(changes, judges)
    return found


@pytest.mark.parametrize(
    ("now", "name", "words"),
    [
        ({"prompt_digest": "p2"}, "prompts", "prompt terse (1 of 2 cases)"),
        (
            {"asked_digest": digest_pair("mini-1", {"seed": 2})},
            "models asked",
            "parameters of the model mini (1 of 2 cases)",
        ),
        (
            {"asked_digest": digest_pair("mini-2", {})},
            "models asked",
            "name of the model mini (1 of 2 cases)",
        ),
        (
            {"models_answered": ("mini-2",)},
            "models answered",
            "model answered mini-1 -> mini-2 (1 of 2 cases)",
        ),
        (
            {"judges_answered": ("wise-2",)},
            "judges answered",
            "judge answered by wise-2, was wise-1 (1 of 2 cases)",
        ),
        ({"case_digest": "d2"}, "data", "data rows (1 changed)"),
        ({"trials": 3}, None, "trials 1 -> 3 (1 of 2 cases)"),
        ({"trials": 3, "runs": 3}, None, "trials 1 -> 3 of 3 runs (1 of 2 cases)"),
        ({"scores": scores(contains="c2", passed="")}, "checks", "check contains (1 of 2 cases)"),
        ({"scores": scores(contains="c1", passed="", near="c9")}, "checks", "check near came"),
    ],
)
def test_each_change_is_named(now: dict[str, object], name: str | None, words: str) -> None:
    """What differs is said with the number of cases, and is not among what is the same."""
    found = of((line("a"), line("a", **now)), (line("b"), line("b")))
    assert (words,) == found.changed
    assert tuple(one for one in SAME if one != name) == found.same


def test_what_is_the_same_is_said_as_far_as_it_is_known() -> None:
    """A line of an older file does not say what was asked: that is not called the same."""
    assert SAME == of((line(), line(passed=0.0))).same
    old = line(asked_digest="", prompt_digest=None)
    found = of((old, line(passed=0.0, prompt_digest=None)))
    assert ("models answered", "checks", "judges answered", "data") == found.same
    assert ((), 1, 1) == (found.changed, found.cases, found.moved)


def test_a_judge_is_no_check_of_ours() -> None:
    """A score that a model gives is called a judge: its prompt or its model changed."""
    now = line(scores=scores(contains="c2", passed=""))
    assert ("judge contains (1 of 1 case)",) == of((line(), now), judges=("contains",)).changed
    # One that went is not among the judges of this run; its name tells.
    old = line(scores=scores(**{"judge: Is it kind?": "c1", "passed": ""}))
    now = line(scores=scores(**{"judge: Is it short?": "c2", "passed": ""}))
    found = of((old, now), judges=("judge: Is it short?",)).changed
    assert ("judge: Is it kind? went", "judge: Is it short? came") == found


def test_judges_are_known_by_the_records() -> None:
    """The names of scores that a model gave come from the run."""
    polite = Score(name="polite", value=1.0, kind="judge")
    records = [item("a", scores=(polite, Score(name="passed", value=1.0, kind="outcome")))]
    assert frozenset({"polite"}) == accepted_from(records).judges


def test_who_answered_for_a_judge_is_known_by_its_calls() -> None:
    """Apart from who answered the application."""
    calls = [
        Call(digest="d", path="/x", origin="live", purpose=purpose, model_answered=name)
        for purpose, name in (("app", "mini-1"), ("judge", "wise-1"), ("judge", "wise-1"))
    ]
    (found,) = accepted_from([item("a", calls=tuple(calls))]).entries.values()
    assert (("mini-1",), ("wise-1",)) == (found.models_answered, found.judges_answered)


def test_a_judge_that_came_or_is_not_known_is_no_other_judge() -> None:
    """Older lines do not say who judged: that is neither changed nor the same."""
    for before, now in (((), ("wise-1",)), (("wise-1",), ())):
        found = of((line(judges_answered=before), line(passed=0.0, judges_answered=now)))
        assert () == found.changed
        assert "judges answered" not in found.same


def test_an_item_that_stops_early_has_lost_no_check() -> None:
    """A score that is missing from some cases is a miss before it, not a check that went."""
    stopped = line("a", scores={"passed": AcceptedScore(mean=0.0, n=1)})
    assert () == of((line("a"), stopped), (line("b"), line("b"))).changed


def test_scores_may_move_over_the_same_output() -> None:
    """Then what scores them moved; without outputs nobody can tell."""
    assert 1 == of((line(), line(passed=0.0))).rescored
    assert 0 == of((line(), line(passed=0.0, output_digests=("o2",)))).rescored
    bare = line(output_digests=())
    assert 0 == of((bare, replace(line(passed=0.0), output_digests=()))).rescored


def test_cases_that_came_and_went_are_data() -> None:
    """New and missing cases count, where others are in both runs; alone they have no causes."""
    records = [item("a"), item("new")]
    measured = accepted_from(records, plan(records))
    old = accepted_from([item("a"), item("gone")]).entries
    found = compare(old, measured, plan(records))
    assert ("data rows (1 new, 1 gone)",) == found.causes[0].changed
    assert () == compare({}, measured, plan(records)).causes


def test_what_was_asked_is_unknown_to_older_lines() -> None:
    """Such a line is not rewritten for that alone; another digest is accepted."""
    known, old = line(), line(asked_digest="")
    assert None is kind_of(change_of(old, known))
    assert None is kind_of(change_of(line(judges_answered=()), known))
    assert "new" == kind_of(change_of(line(judges_answered=("wise-2",)), known))
    assert "new" == kind_of(change_of(line(asked_digest="m2"), known))
    change = change_of(old, known)
    comparison = compare({}, accepted_from([]), plan([]))
    kept = accept(
        {old.key: old},
        replace(comparison, changes=(change,)),
        ("new",),
        complete_and_passing=True,
    )
    assert old == kept.entries[old.key]
