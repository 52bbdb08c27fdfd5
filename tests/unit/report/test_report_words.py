"""Others' texts on the screen, the story of a failure, numbers and tables."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ailoop import redaction
from pytest_ailoop.data.baseline import Change, Comparison, EntryKey, Unmeasured
from pytest_ailoop.data.record import Fault, ItemKey
from pytest_ailoop.data.score import Expectation, Score
from pytest_ailoop.data.variant import Variant
from pytest_ailoop.report.numbers import (
    Money,
    count,
    dollars,
    interval,
    money,
    number,
    percent,
    seconds,
)
from pytest_ailoop.report.rows import Report
from pytest_ailoop.report.table import table
from pytest_ailoop.report.terminal import failure_lines
from tests.unit.report.shown import CALL, record, report, shown

PAYLOADS = [
    "\x1b[31mred\x1b]0;title\x07",
    "::error file=x::y",
    "\n::error::x",
    "##vso[task.setvariable]x",
    "\r##teamcity[x]",
    "\u202eevil",
    "\x9b31m",
    "x\u2028::add-mask::y",
]


def hostile(value: str) -> tuple[Report, list[str]]:
    key = ItemKey(module="t.py", test=value, variant=Variant(model=value), case=value)
    item = record(
        value,
        good=False,
        key=key,
        output=value,
        scores=(Score(name=value, not_scored=value, reason=value), Score(name="l", label=value)),
        expectations=(Expectation(name=value, standing="missed", reason=value),),
        fault=Fault(type=value, message=value, where=value),
        calls=(replace(CALL, prompt_text=value, model_answered=value, error=value),),
    )
    entry = EntryKey(module="t.py", test=value, variant=key.variant, case=value)
    comparison = Comparison(
        changes=(Change(key=entry, status="new", causes=(value,)),),
        unmeasured=(Unmeasured(key=entry, reason=value),),
        incomplete=(value,),
    )
    found = report(
        item,
        variant=key.variant,
        comparison=comparison,
        missing=[key],
        accepted=[value],
        refused=[value],
        faults=[value],
    )
    return found, failure_lines(item, baseline_output=f"{value} before", verbose=2)


def assert_tame(found: list[str]) -> None:
    for line in found:
        assert "\n" not in line
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028]", line)
        assert not re.match(r"\s*(::|##)", line)
        assert not re.search(r"##(vso|teamcity)?\[", line)


@pytest.mark.parametrize("value", PAYLOADS)
@pytest.mark.parametrize("verbose", [-1, 0, 2])
def test_data_cannot_act_on_terminal_or_ci(value: str, verbose: int) -> None:
    """No control character comes through, and no line begins with what a CI service obeys."""
    found, failure = hostile(value)
    assert_tame(shown(found, verbose=verbose))
    assert_tame(failure)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=30))
def test_any_text_is_tame(value: str) -> None:
    """Whatever the text, the lines are fit for a terminal and for ASCII where that is all."""
    found, failure = hostile(value)
    assert_tame(shown(found, verbose=2, utf8=False) + failure)
    assert all(line.isascii() for line in shown(found, verbose=2, utf8=False))


def test_secrets_are_masked_on_screen() -> None:
    """A known secret is shown neither in the section nor in a failure."""
    redaction.learn("sk-canary-123456")
    try:
        found, failure = hostile("sk-canary-123456")
        assert "canary" not in "".join(shown(found, verbose=2) + failure)
    finally:
        redaction.forget()


def test_a_failure_tells_the_items_story() -> None:
    """Prompt, output, difference, expectations with bar, and calls stand in order."""
    item = record(
        good=False,
        scores=(Score(name="polite", value=0.25, reason="rude"),),
        expectations=(Expectation(name="polite", standing="missed", at_least=0.7, hard=True),),
    )
    assert failure_lines(item, baseline_output="hello") == [
        "prompt:",
        "  | user: hello",
        "output:",
        "  | hi",
        "accepted output (-) and this one (+):",
        "  | -hello",
        "  | +hi",
        "expectations:",
        "  MISS polite 0.25 (wanted >= 0.7) [hard]: rude",
        "calls:",
        "  app  mini-1  /chat/completions  recording  10+5 tokens  $0.2500  0.5s",
    ]


def test_long_output_is_cut_unless_asked() -> None:
    """A long output shows its first lines and how many are left; with -vv all of them."""
    item = record(output="\n".join(map(str, range(100))), expectations=(), calls=())
    assert len(failure_lines(item)) < 20
    assert len(failure_lines(item, verbose=2)) > 100


NUMBERS = [
    (percent(None), "n/a"),
    (percent(0.0), "0%"),
    (percent(0.001), "<1%"),
    (percent(0.999), ">99%"),
    (percent(1.0), "100%"),
    (interval(0.5, 0.25, 0.75), "50% [25, 75]"),
    (seconds(None), "-"),
    (seconds(0.0123), "12ms"),
    (seconds(9.96), "10s"),
    (seconds(200), "3m20s"),
    (count(999), "999"),
    (count(12_345), "12.3k"),
    (count(999_600), "1.0M"),
    (dollars(0.00001), "<$0.0001"),
    (dollars(1234.5), "$1,234.50"),
    (money(Money()), "-"),
    (money(Money(unknown=2)), "n/a"),
    (money(Money(known=0.5, priced=1, unknown=2)), ">=$0.5000"),
    (number(None), "n/a"),
    (number(-0.0), "0"),
    (number(2 / 3), "0.667"),
]


@pytest.mark.parametrize(("found", "expected"), NUMBERS)
def test_numbers_are_short_and_honest(found: str, expected: str) -> None:
    """A number is shown short, and never as more or less than is known."""
    assert found == expected


@given(
    st.lists(st.lists(st.text("ab", max_size=30), min_size=4, max_size=4), max_size=4),
    st.integers(70, 120),
)
def test_a_table_keeps_every_cell(body: list[list[str]], width: int) -> None:
    """Whatever does not fit goes to a line of its own: nothing is ever cut."""
    text = "\n".join(table(("v", "a", "b", "c"), body, width=width))
    for row in body:
        assert all(cell in text for cell in row)


@pytest.mark.parametrize(("negated", "words"), [(False, "wanted >= 1"), (True, "wanted not >= 1")])
def test_a_negated_bar_is_shown_as_such(negated: bool, words: str) -> None:
    """`MISS not contains 1 (wanted >= 1)` would contradict itself."""
    name = "not contains" if negated else "contains"
    bar = Expectation(name=name, standing="missed", at_least=1.0, negated=negated)
    found = failure_lines(record(expectations=(bar,)))
    assert f"  MISS {name} 1 ({words}): because" in found


def test_labels_without_a_value_are_counted() -> None:
    """What `record(name, label)` kept has no mean."""
    kept = [record(case, scores=(Score(name="mood", label=mood),)) for case, mood in
            (("a", "glad"), ("b", "sad"), ("c", "glad"))]  # fmt: skip
    found = report(*kept, cases=("a", "b", "c"))
    assert "  . mood: 'glad' 2, 'sad' 1" in shown(found, verbose=1)


def test_variants_with_long_names_can_be_told_apart() -> None:
    """Names that differ at their ends only stand whole, above their rows."""
    names = [f"accounts/models/some-large-model-405b style={end}" for end in "ab"]
    body = [(name, "1/1", "100% [21, 100]", "1 new", "44ms/44ms", "5", "n/a") for name in names]
    head = ("variant", "passed", "rate [95% CI]", "vs baseline", "p50/p95", "tokens", "cost")
    assert [
        "  variant  passed   rate [95% CI]  vs baseline    p50/p95  tokens  cost",
        "  accounts/models/some-large-model-405b style=a",
        "              1/1  100% [21, 100]        1 new  44ms/44ms       5   n/a",
        "  accounts/models/some-large-model-405b style=b",
        "              1/1  100% [21, 100]        1 new  44ms/44ms       5   n/a",
    ] == list(table(head, body, width=80))


def test_trials_of_the_cases_own_are_told() -> None:
    """Where cases differ in their trials, `2 cases x 3 trials` would be a wrong count of items."""
    found = report(record())
    (test,) = found.tests
    (line,) = [
        one
        for one in shown(replace(found, tests=(replace(test, trials=3, fewest=2),)))
        if one.startswith("  over")
    ]
    assert line == "  over x.jsonl: 2 of 9 cases x 2 to 3 trials"
