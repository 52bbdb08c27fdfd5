"""The faults that are planted in the statistics: all there, and each still can be planted."""

from __future__ import annotations

from pathlib import Path

import pytest

import pytest_ailoop
from benchmarks.mutants import __main__ as mutants
from benchmarks.mutants.planted import PLANTED, Planted

PACKAGE = Path(pytest_ailoop.__file__).parent


def test_each_acceptance_test_has_its_fault() -> None:
    """S1 to S13, none left out."""
    assert {f"S{number}" for number in range(1, 14)} == {one.name for one in PLANTED}


@pytest.mark.parametrize("one", PLANTED, ids=lambda one: f"{one.name}-{one.what}")
def test_a_fault_changes_one_place(one: Planted) -> None:
    """Code that moved on would leave the fault out, and its test would look strong."""
    text = (PACKAGE / one.file).read_text(encoding="utf-8")
    assert (1, True) == (text.count(one.right), one.right != one.wrong)


def test_a_fault_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    """One of the quickest, by the script: the tests pass without it, and fail with it."""
    assert 0 == mutants.main(["S10"])
    assert "2 of 2 found" in capsys.readouterr().out
