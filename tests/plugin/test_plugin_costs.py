"""Costs of an item where people look: beside its name, in junit, in the section."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.fakes.judged import ASK, ask
from tests.fakes.openai_server import FakeServer

PRICE = "input = 0.0, output = 1000000.0"


@pytest.fixture
def asking(project: Any) -> Iterator[Any]:
    """Three items of one call to a model and one to a judge."""
    with FakeServer() as server:
        ask(project, server.url, price=PRICE)
        yield project


def test_an_item_shows_its_cost(asking, workers):
    """With -v beside the item, in junit as properties; the judge's apart from the application's."""
    result = asking.run("-v", "--junitxml=out.xml", *workers)
    result.stdout.re_match_lines([r".*PASSED .*\$0\.2000  \$\d+\.\d\d judged"])
    root = ElementTree.parse(asking.path / "out.xml").getroot()
    costs = [
        {one.get("name"): float(one.get("value") or 0) for one in case.iter("property")}
        for case in root.iter("testcase")
    ]
    assert [0.2] * 3 == [one["ailoop.cost"] for one in costs]
    judged = [row["calls"][1]["cost"] for row in asking.results()]
    assert sorted(judged) == sorted(one["ailoop.judge_cost"] for one in costs)


def test_a_second_run_pays_nothing(asking, workers):
    """The calls cost as before, and the section says that none of it was paid again."""
    asking.run(*workers)
    result = asking.run(*workers)
    result.stdout.fnmatch_lines(
        ["*cost $0.6000", "judges: 3 calls, cost $*", "paid in this run: $0, $* saved by *"]
    )


def test_an_error_answer_costs_nothing(project):
    """What the server refuses is no unknown cost: the sum stays exact."""
    with FakeServer() as server:
        text = f"{ASK}    assert trace.tokens\n".replace("llm):", "llm, trace):")
        ask(project, server.url, price=PRICE, text=text)
        server.fail_next(429, retry_after="0")
        project.run("--ailoop-case=sun", "--ailoop-lookahead=0").assert_outcomes(passed=1)
        calls = project.results()[0]["calls"]
    assert [0.0] == [one["cost"] for one in calls if one["status"] == 429]
    assert None not in [one["cost"] for one in calls]
