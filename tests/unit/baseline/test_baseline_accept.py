"""What is accepted into a baseline, and what is left as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ailoop.baseline.accept import accept
from pytest_ailoop.baseline.compare import compare
from pytest_ailoop.baseline.extension import (
    AiloopBaselineExtension,
    read_baseline,
    snapshot_name,
    write_baseline,
)
from pytest_ailoop.baseline.file import baseline_path, dump
from pytest_ailoop.baseline.measure import Measured, accepted_from
from pytest_ailoop.data.baseline import Accepted, EntryKey
from pytest_ailoop.errors import BaselineError
from tests.unit.baseline.records import MODULE, entry, key, plan, record, score


def comparison_of(*now: Accepted, old: dict[EntryKey, Accepted], cases: tuple[str, ...]) -> object:
    measured = Measured(entries={one.key: one for one in now})
    return compare(old, measured, plan(*cases, known=("up", "down", "new", "same", "out")))


ACCEPTED = [
    (("new",), {"up": 0.5, "down": 1.0, "new": 1.0, "gone": 1.0}),
    (("improved",), {"up": 1.0, "down": 1.0, "gone": 1.0}),
    (("regressed",), {"up": 0.5, "down": 0.5, "gone": 1.0}),
    (("prune",), {"up": 0.5, "down": 1.0}),
    (("new", "improved", "regressed", "prune"), {"up": 1.0, "down": 0.5, "new": 1.0}),
]


def moved_run() -> tuple[dict[EntryKey, Accepted], object]:
    one, half = {"contains": score(1.0)}, {"contains": score(0.5)}
    old = [entry("up", scores=half), entry("down", scores=one), entry("gone", scores=one)]
    new = [entry("up", scores=one), entry("down", scores=half), entry("new", scores=one)]
    baseline = {item.key: item for item in old}
    return baseline, comparison_of(*new, old=baseline, cases=("up", "down", "new"))


@pytest.mark.parametrize(("kinds", "expected"), ACCEPTED)
def test_each_kind_accepts_its_own(kinds: tuple[str, ...], expected: dict[str, float]) -> None:
    """Accepting a kind changes the lines of that kind and no other."""
    old, found = moved_run()
    result = accept(old, found, kinds, complete_and_passing=True)  # type: ignore[arg-type]
    assert expected == {
        one.case: value.scores["contains"].mean for one, value in result.entries.items()
    }


def test_a_partial_run_never_prunes() -> None:
    """Without a complete, passing run a missing line stays, and the refusal is said."""
    old, found = moved_run()
    result = accept(old, found, ("prune",), complete_and_passing=False)  # type: ignore[arg-type]
    assert old == result.entries
    assert result.refused == ("left 1 missing (pruning needs a complete run that passes)",)


def test_accepting_everything_refuses_nothing() -> None:
    """Where all kinds are accepted, a gone case that stays is told, and is no refusal."""
    old, found = moved_run()
    result = accept(
        old,
        found,  # type: ignore[arg-type]
        ("new", "improved", "regressed", "prune"),
        complete_and_passing=False,
    )
    assert result.refused == ()
    assert result.left == ("left 1 missing (pruning needs a complete run that passes)",)


def test_what_is_left_is_said_with_its_kind() -> None:
    """After accepting less than all, the words name what differs still."""
    old, found = moved_run()
    result = accept(old, found, ("improved",), complete_and_passing=True)  # type: ignore[arg-type]
    assert result.done == ("accepted 1 improved",)
    assert result.left == (
        "left 1 new (accepted by new)",
        "left 1 missing (accepted by prune)",
        "left 1 regressed (accepted by regressed)",
    )


def test_unmeasured_cases_are_told_by_whether_they_have_a_line() -> None:
    """What was never accepted is not called left as it was accepted."""
    old = {key("a"): entry("a")}
    run = accepted_from([record("a", outcome="skipped"), record("b", outcome="skipped")])
    found = compare(old, run, plan("a", "b"))
    result = accept(old, found, ["new"], complete_and_passing=False)
    assert result.left == (
        "left 1 case as accepted before: not measured in this run",
        "accepted nothing for 1 case: not measured in this run",
    )
    assert old == result.entries


def test_storage_goes_through_the_extension(tmp_path: Path) -> None:
    """What is written is read back; syrupy's roles see one snapshot a case."""
    entries = {one.key: one for one in (entry("a"), entry("b", dataset_digest="s0"))}
    assert write_baseline(tmp_path, MODULE, entries)
    assert entries == read_baseline(tmp_path, MODULE)
    assert not write_baseline(tmp_path, MODULE, entries)
    location = str(baseline_path(tmp_path, MODULE))
    extension = AiloopBaselineExtension()
    collection = extension.read_snapshot_collection(snapshot_location=location)
    assert [snapshot_name(key("a")), snapshot_name(key("b"))] == [one.name for one in collection]
    line = extension.read_snapshot_data_from_location(
        snapshot_location=location, snapshot_name=snapshot_name(key("a")), session_id=""
    )
    assert extension.serialize(entry("a")) == line


def test_a_file_goes_with_its_last_case(tmp_path: Path) -> None:
    """Removing all cases removes the file; one that stays keeps it."""
    entries = {one.key: one for one in (entry("a"), entry("b"))}
    write_baseline(tmp_path, MODULE, entries)
    write_baseline(tmp_path, MODULE, {key("b"): entry("b")})
    assert {key("b"): entry("b")} == read_baseline(tmp_path, MODULE)
    write_baseline(tmp_path, MODULE, {})
    assert not baseline_path(tmp_path, MODULE).exists()


def test_a_damaged_file_is_never_overwritten(tmp_path: Path) -> None:
    """Writing over a file that cannot be read is refused and leaves it as it is."""
    path = baseline_path(tmp_path, MODULE)
    path.parent.mkdir(parents=True)
    path.write_text("<<<<<<< HEAD\n")
    with pytest.raises(BaselineError, match="git conflict markers"):
        write_baseline(tmp_path, MODULE, {key("a"): entry("a")})
    assert path.read_text() == "<<<<<<< HEAD\n"


def test_lines_of_one_test_are_over_one_data_set() -> None:
    """Accepting a part over a changed data set moves the test's digest, and leaves other lines."""
    old = {one.key: one for one in (entry("a"), entry("b"))}
    now = entry("a", dataset_digest="s2", output_digests=("o2",))
    found = compare(old, Measured(entries={now.key: now}), plan("a"))
    result = accept(old, found, ["new"], complete_and_passing=False)
    assert {"s2"} == {one.dataset_digest for one in result.entries.values()}
    assert dump(old.values()).splitlines()[3] == dump(result.entries.values()).splitlines()[3]
