"""Items by their ids: safe for `-k`, editors and junit; chosen again by what happened last time."""

from __future__ import annotations

import re
from xml.etree import ElementTree

EVAL = """
@pytest.mark.ailoop(dataset="cases.jsonl")
def test_it(case):
    expect(case.input).to(contains("the"))
"""
#: Ids of cases as people write them.
WILD = ["a/b::c[d]", "x y", "ünïcode ☃", "a.b", "5.4", "5_4", "Straße", "-k", "@file", "tab\tid"]
WILD += [
    "x" * 300,
    "x" * 300 + "y",
    "C:\\temp\\1",
    "{json}",
    "100%",
    "a|b",
    "'quote\"",
    "..",
    "\u202eevil",
]
WILD += ["sun", "sun-m", "SUN", "and", "not", "1e5", "None", "r2"]


def collected(project, *args: str) -> list[str]:
    result = project.run("--collect-only", "-q", *args)
    return [line for line in result.outlines if "::" in line]


def ids_of(names: list[str]) -> list[str]:
    return [name.split("::", 1)[1].removeprefix("test_it[").removesuffix("]") for name in names]


def test_ids_keep_to_a_safe_alphabet(project):
    """Whatever cases are called: letters, digits, `_` and `-`, unique, the same each time."""
    project.rows([{"id": name, "input": "the"} for name in WILD])
    project.eval(
        """
@pytest.mark.ailoop(dataset="cases.jsonl", model=["a/b:1", "c"], trials=2)
def test_it(case, model):
    assert case
"""
    )
    names = collected(project)
    assert len(set(ids_of(names))) == len(names) == len(WILD) * 4
    for one in ids_of(names):
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,150}", one), one
    assert collected(project) == names


def test_each_item_can_be_named_alone(project):
    """Each node id, given back on the command line, runs its one item."""
    project.rows([{"id": name, "input": "the"} for name in WILD])
    project.eval(EVAL)
    for name in collected(project)[::3]:
        assert collected(project, name) == [name]


def test_junit_and_results_agree_on_names(project):
    """junit's test cases are called as the items are, one for each."""
    project.rows([{"id": name, "input": "the"} for name in WILD])
    project.eval(EVAL)
    project.run("--junit-xml=out.xml").assert_outcomes(passed=len(WILD))
    cases = ElementTree.parse(project.path / "out.xml").iter("testcase")
    names = [f"{case.get('classname')}.py::{case.get('name')}" for case in cases]
    assert sorted(names) == sorted(row["nodeid"] for row in project.results())
    assert [row["key"]["case"] for row in project.results()] == WILD


def test_k_selects_by_case(project):
    """`-k` takes the id of a case, parts of it, and expressions."""
    project.rows([{"id": name, "input": "the"} for name in ("refund-01", "refund-02", "tax_1")])
    project.eval(EVAL)
    for expression, expected in {
        "refund-01": ["refund-01"],
        "refund": ["refund-01", "refund-02"],
        "refund and not 02": ["refund-01"],
        "test_it and tax_1": ["tax_1"],
        "TAX": ["tax_1"],
    }.items():
        assert ids_of(collected(project, "-k", expression)) == expected, expression
    project.run("-k", "refund-01").assert_outcomes(passed=1, deselected=2)
    assert project.run_json()["counts"]["passed"] == 1


def test_lf_runs_what_failed(project, workers):
    """`--lf` runs the evals that failed or could not be measured, and says that it is partial."""
    project.eval(
        EVAL
        + """
@pytest.mark.ailoop(dataset="cases.jsonl")
def test_unmeasured(case):
    if case.id != "sun":
        record("x", 1)

def test_ordinary():
    pass
"""
    )
    first = project.run(*workers, on=["cacheprovider"])
    first.assert_outcomes(passed=5, failed=1, errors=1)
    result = project.run("--lf", *workers, on=["cacheprovider"])
    result.assert_outcomes(failed=1, errors=1)
    rows = [(row["key"]["test"], row["key"]["case"]) for row in project.results()]
    assert rows == [("test_it", "mars"), ("test_unmeasured", "sun")]
    assert project.run_json()["plan"]["narrowed"] != []


def test_ff_and_nf_run_all(project):
    """`--ff` begins with what failed, runs all, and is no partial run."""
    project.eval(EVAL)
    project.run("--snapshot-update", on=["cacheprovider"])
    result = project.run("--ff", "-v", on=["cacheprovider"])
    result.assert_outcomes(passed=2, failed=1)
    lines = [line for line in result.outlines if line.startswith("test_eval.py::")]
    assert "test_it[mars]" in lines[0]
    result.stdout.no_fnmatch_line("*incomplete*")
    result.stdout.fnmatch_lines(["baseline: *3 unchanged*"])
    assert [row["key"]["case"] for row in project.results()] == ["sun", "moon", "mars"]
    project.run("--nf", on=["cacheprovider"]).assert_outcomes(passed=2, failed=1)


def test_sw_goes_on_where_it_stopped(project):
    """`--sw` stops at the first failure and begins with it the next time."""
    project.rows([{"id": f"c{n}", "input": "no" if n in (1, 3) else "the"} for n in range(5)])
    project.eval(EVAL)
    seen = []
    for _ in range(2):
        project.run("--sw", on=["cacheprovider"])
        seen.append([row["key"]["case"] for row in project.results()])
    project.rows([{"id": f"c{n}", "input": "no" if n == 3 else "the"} for n in range(5)])
    project.run("--sw", on=["cacheprovider"])
    seen.append([row["key"]["case"] for row in project.results()])
    project.run("--sw-skip", on=["cacheprovider"])
    seen.append([row["key"]["case"] for row in project.results()])
    assert seen == [["c0", "c1"], ["c1"], ["c1", "c2", "c3"], ["c3", "c4"]]


def test_deselect_and_maxfail(project):
    """`--deselect` and `-x` leave a partial run that says so."""
    project.eval(EVAL)
    result = project.run("--deselect", "test_eval.py::test_it[mars]")
    result.assert_outcomes(passed=2, deselected=1)
    result.stdout.fnmatch_lines(["*incomplete*1 item deselected*"])
    project.rows([{"id": f"c{n}", "input": "no"} for n in range(5)])
    result = project.run("-x")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*incomplete*stopped early*"])
