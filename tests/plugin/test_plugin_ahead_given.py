"""Our own fixtures, given to items without pytest setting them up."""

from __future__ import annotations

import pytest

OURS = """
@pytest.mark.ailoop(dataset="cases.jsonl", params={"tone": ["kind"]})
async def test_it(case, trial, tone, request_free):
    record("x", 1)
    assert (case.id, trial, tone, request_free) == (case.id, 1, "kind", 7)
"""

WATCHED = """
import pytest

@pytest.fixture(scope="session")
def request_free():
    return 7

def pytest_fixture_setup(fixturedef, request):
    print("set up", fixturedef.argname, request.node.name)
"""


def test_our_fixtures_are_set_up_where_somebody_looks(project, monkeypatch):
    """pytest sets them up for `--setup-show` and for a hook of the project; else they are given."""
    project.eval(OURS)
    project.write("conftest.py", WATCHED)
    watched = project.run("-s").stdout.str()
    assert 3 == watched.count("set up case test_it")
    project.write("conftest.py", WATCHED.split("def pytest_fixture_setup")[0])
    shown = project.run("--setup-show").stdout.str()
    assert 3 == shown.count("SETUP    F case")
    made = []
    kept = pytest.FixtureDef.execute

    def execute(self, request):
        made.append(self.argname)
        return kept(self, request)

    monkeypatch.setattr(pytest.FixtureDef, "execute", execute)
    project.run().assert_outcomes(passed=3)
    # The first item is set up before anything is known of what may run ahead.
    assert 1 == made.count("case")
