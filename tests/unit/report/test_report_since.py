"""Why a score moved, in words, and what git knows of it."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_ailoop.data.baseline import Causes
from pytest_ailoop.data.variant import Variant
from pytest_ailoop.report.since import causes_words, code_words, flip_words


def causes(**changes: Any) -> Causes:
    values: dict[str, Any] = {"module": "m.py", "test": "t", "variant": Variant(), "cases": 9}
    return Causes(**{"moved": 0, "same": ("checks", "data"), **values, **changes})


WORDS = [
    ({}, None, ""),
    ({"moved": 2}, None, "nothing of ours changed since A: same checks, data -> the model or the "
     "code moved"),
    ({"moved": 2}, [], "nothing of ours changed since A: same checks, data, files -> the model "
     "or what lies outside of git moved"),
    ({"moved": 2, "rescored": 2}, None, "nothing of ours changed since A: same checks, data -> "
     "the outputs are the same, so what scores them moved"),
    ({"moved": 2}, ["app.py"], "changed since A: 1 file in git (app.py)"),
    ({"changed": ("prompt terse (9 of 9 cases)",)}, ["a", "b", "c", "d"],
     "changed since A: prompt terse (9 of 9 cases); 4 files in git (a, b, c, ...)"),
    ({"changed": ("trials 1 -> 3",), "moved": 2, "rescored": 1}, None,
     "changed since A: trials 1 -> 3; of 1 moved case the outputs are the same"),
    ({"changed": ("check x (9 of 9 cases)",), "moved": 2, "rescored": 1}, None,
     "changed since A: check x (9 of 9 cases)"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "files", "words"), WORDS)
def test_words(changes: dict[str, Any], files: list[str] | None, words: str) -> None:
    """What changed is named; where nothing did, who is left to blame."""
    assert words == causes_words(causes(**changes), files, since="A")


def test_flips_are_shown_worst_first_and_cut() -> None:
    """Losses stand before gains, a few of each."""
    fell = [[f"c{at}", 1.0, at / 10] for at in range(7)]
    words = flip_words({"fell": fell, "rose": [["up", 0.0, 1.0]]}, 2)
    assert "fell: c0 1 -> 0, c1 1 -> 0.1, 5 more; rose: up 0 -> 1" == words
    assert "" == flip_words({})


def test_the_code_stands_last() -> None:
    """It says where to look and hides no cause; where nothing moved it says nothing."""
    code = "code: abc1234 -> def5678"
    found = causes(changed=("prompt terse (9 of 9 cases)",))
    words = "changed since A: prompt terse (9 of 9 cases); code: abc1234 -> def5678"
    assert words == causes_words(found, since="A", code=code)
    assert "" == causes_words(causes(), since="A", code=code)


HERE, THERE = "1234567890", "abcdef0123"
CODE = [
    ((None, HERE), ""),
    ((HERE, None), ""),
    ((HERE, HERE), ""),
    ((HERE, HERE, None, "2 files not committed"), "code: 1234567, 2 files not committed"),
    ((HERE, THERE), "code: 1234567 -> abcdef0"),
    ((HERE, THERE, (0, 1)), "code: 1234567 -> abcdef0, 1 commit"),
    ((HERE, THERE, (2, 0)), "code: 1234567 -> abcdef0, 2 commits back"),
    ((HERE, THERE, (2, 3), "x"), "code: 1234567 -> abcdef0, 2 commits back, 3 commits on, x"),
]


@pytest.mark.parametrize(("given", "words"), CODE)
def test_how_far_the_code_went(given: tuple[Any, ...], words: str) -> None:
    """By commits, and what was not committed; nothing is said of what is not known or the same."""
    assert words == code_words(*given)
