"""The section's lines: what stands in them, their width, and that data cannot act through them."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ailoop import redaction
from pytest_ailoop.data.baseline import Change, Comparison, EntryKey, Unmeasured
from pytest_ailoop.data.call import Call, Usage
from pytest_ailoop.data.case import DatasetFacts
from pytest_ailoop.data.record import Fault, ItemKey, ItemRecord, Plan, PlannedTest, RunRecord
from pytest_ailoop.data.score import Expectation, Score
from pytest_ailoop.data.variant import Variant
from pytest_ailoop.report.calls import calls_of
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
from pytest_ailoop.report.rows import Report, rows
from pytest_ailoop.report.table import table
from pytest_ailoop.report.terminal import failure_lines, lines

MINI = Variant(model="mini")
CALL = Call(
    digest="r",
    path="/chat/completions",
    origin="recording",
    model_answered="mini-1",
    usage=Usage(input_tokens=10, output_tokens=5),
    cost=0.25,
    latency=0.5,
    prompt_text="user: hello",
)


def record(case: str = "a", *, good: bool = True, **changes: object) -> ItemRecord:
    values: dict[str, object] = {
        "key": ItemKey(module="t.py", test="test_x", variant=MINI, case=case),
        "nodeid": f"t.py::test_x[{case}]",
        "outcome": "passed" if good else "failed",
        "case_digest": "d1",
        "scores": (
            Score(name="contains", value=float(good), reason="because"),
            Score(name="passed", value=float(good), kind="outcome"),
        ),
        "expectations": (
            Expectation(name="contains", standing="met" if good else "missed", reason="no 'x'"),
        ),
        "calls": (CALL,),
        "output": "hi",
    }
    return ItemRecord(**{**values, **changes})  # type: ignore[arg-type]


def report(
    *records: ItemRecord,
    cases: tuple[str, ...] = ("a", "b"),
    variant: Variant = MINI,
    **changes: object,
) -> Report:
    test = PlannedTest(
        module="t.py",
        test="test_x",
        variants=(variant,),
        dataset=DatasetFacts(name="x.jsonl", digest="d", size=9),
        selected=cases,
        trials=dict.fromkeys(cases, 1),
    )
    options = changes.pop("options", {})
    plan = Plan(tests=(test,))
    run = RunRecord(id="r", started="s", duration=0, plan=plan, options=options)  # type: ignore[arg-type]
    comparison = changes.pop("comparison", Comparison())
    return rows(run, records, comparison, **changes)  # type: ignore[arg-type]


def shown(found: Report, **options: object) -> list[str]:
    return [line for line, _ in lines(found, **options)]  # type: ignore[arg-type]


KEY = EntryKey(module="t.py", test="test_x", variant=MINI, case="b")
MIXED = Comparison(
    changes=(Change(key=KEY, status="regressed"),),
    unmeasured=(Unmeasured(key=replace(KEY, case="c"), reason="skipped"),),
    incomplete=("sample 2 of 9, seed 0",),
    accepted=3,
    counts={"regressed": 1, "not measured": 1},
)


def test_the_section_shows_denominators_and_what_is_not_there() -> None:
    """A row has passed of scored, what is missing or errored is said, partial sums bear >=."""
    unpriced = replace(CALL, cost=None)
    found = report(
        record("a"),
        record("b", good=False, calls=(unpriced,)),
        cases=("a", "b", "c"),
        comparison=MIXED,
        missing=[ItemKey(module="t.py", test="test_x", variant=MINI, case="c")],
    )
    assert shown(found) == [
        "- t.py::test_x",
        "  over x.jsonl: 3 of 9 cases",
        "  variant  passed  rate [95% CI]  vs baseline    p50/p95  tokens       cost",
        "  mini        1/2    50% [9, 91]           -1  0.5s/0.5s      30  >=$0.2500",
        "  ! 2 of 3 cases scored, 1 item without a result",
        "replies: 2 recorded, 0 cached, 0 live; cost >=$0.2500",
        "paid in this run: $0, >=$0.2500 saved by recordings and cache",
        "baseline: 1 regressed, 1 not measured",
        "worst cases:",
        "  - test_x[b, mini]  failed, regressed",
        "    | contains missed: no 'x'",
        "without a result: 1 of 3 items",
        "  - test_x[c, mini]",
        "  - test_x[c, mini]  not measured: skipped",
        "incomplete: sample 2 of 9, seed 0",
        "next: ailoop show -v  (shows each case of this run)",
        "next: ailoop accept --only regressed  (accepts it as the baseline)",
    ]


@pytest.mark.parametrize(
    ("mode", "advised"), [("auto", True), ("live", True), ("record", False), ("replay", False)]
)
def test_recording_is_advised_where_it_is_not_done(mode: str, advised: bool) -> None:
    """Live replies can be kept by `ailoop record`; a run in mode `record` has just kept them."""
    live = replace(CALL, origin="live")
    found = report(record("a", calls=(live,)), cases=("a",), options={"replies": mode})
    assert advised == any("next: ailoop record " in line for line in shown(found))


def test_quiet_is_one_line() -> None:
    """With -q the run is one line that still says what is incomplete, and one for each fault."""
    found = report(record("a"), record("b", good=False), comparison=MIXED, faults=["x"])
    assert shown(found, verbose=-1) == [
        "ailoop: 1 of 2 passed (50% [9, 91]); 1 regressed, 1 not measured; incomplete; "
        "cost $0.5000; $0 paid",
        "! x",
    ]


def test_verbose_adds_checks_then_cases() -> None:
    """With -v each check has its line, with -vv each case."""
    found = report(record("a"), record("b", good=False))
    assert "  . contains: mean 0.5 over 2, expectation met 1/2" in shown(found, verbose=1)
    assert "  - test_x[a, mini]  passed" in shown(found, verbose=2)


def test_without_a_baseline_it_says_so() -> None:
    """No baseline is none yet; an unreadable one is red and never none."""
    assert "baseline: none yet" in shown(report(record("a")))
    broken = shown(report(record("a"), faults=["x.ailoop:3: damage"]))
    assert "! x.ailoop:3: damage" in broken
    assert "baseline: none yet" not in broken


def test_nothing_scored_is_no_rate() -> None:
    """Where nothing was scored the rate is n/a, not 0."""
    found = report(record("a", outcome="error", scores=(), expectations=(), calls=()))
    assert [one for one in shown(found) if one.startswith("  mini")] == [
        "  mini        0/0            n/a            -        -       -     -"
    ]


def test_trials_are_averaged_before_cases() -> None:
    """A case counts once: its rate is the mean over its trials, passed only if all passed."""
    key = ItemKey(module="t.py", test="test_x", variant=MINI, case="a")
    found = report(
        *(record("a", key=replace(key, trial=n), good=n == 1) for n in (1, 2)), record("b")
    )
    row = found.tests[0].rows[0]
    assert (row.rate, row.passed, row.scored, row.trials) == (0.75, 1, 2, 2)


def test_judges_are_counted_apart() -> None:
    """A judge's call costs on its own line and has no share in latency and tokens."""
    found = calls_of([record(calls=(CALL, replace(CALL, purpose="judge", cost=1.0, latency=9.0)))])
    assert (found.count, found.judge_count, found.p95, found.tokens) == (1, 1, 0.5, 15)
    assert (found.cost.known, found.judge_cost.known) == (0.25, 1.0)


def test_classification_shows_figures_and_confusion() -> None:
    """By default accuracy and macro F1 stand, with -v each class and each confusion."""
    labels = [("spam", "spam"), ("spam", "ham"), ("ham", "ham")]
    items = [
        record(case, scores=(Score(name="kind", label=got, expected_label=wanted),))
        for case, (wanted, got) in zip("abc", labels, strict=True)
    ]
    lost = Score(name="kind", not_scored="no label in it", expected_label="ham")
    found = report(*items, record("d", scores=(lost,)), cases=("a", "b", "c", "d"))
    first = "  . kind: accuracy 0.5 over 4, macro F1 0.583, 1 without a label count as wrong"
    assert first in shown(found)
    verbose = shown(found, verbose=1)
    assert "  .   'spam': precision 1, recall 0.5, F1 0.667, 2 expected" in verbose
    assert "  .   'spam' taken for 'ham': 1" in verbose


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
