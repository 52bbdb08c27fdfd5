"""What collection refuses, and whether a person can tell where."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    "keywords",
    [
        "dataset=3",
        "dataset='cases.jsonl', fields={'inputt': 'x'}",
        "dataset='cases.jsonl', params={'trial': [1]}",
        "dataset='cases.jsonl', params={'x': [1, 1.0]}",
        "dataset='cases.jsonl', trials=0",
        "dataset='cases.jsonl', datset='x'",
    ],
)
def test_a_usage_fault_names_its_test_once(project, keywords, workers):
    """Whatever is wrong with a marker, the message begins with the test that bears it."""
    project.eval(f"@pytest.mark.ailoop({keywords})\ndef test_it(case): assert case\n")
    result = project.run(*workers)
    shown = result.stdout.str() + result.stderr.str()
    assert "test_eval.py::test_it: " in shown
    assert "test_it: test_eval.py" not in shown


@pytest.mark.parametrize(
    ("keywords", "takes", "said"),
    [
        ("model=['a', 'b']", "case", "model= reaches nothing: the test takes neither `model`"),
        ("params={'temprature': [0, 1]}", "case", "params={'temprature': ...} reaches nothing"),
        ("prompt='p.prompt.md'", "case", "prompt= reaches nothing: the test takes no `prompt`"),
        ("prompt='p.prompt.md', model='a'", "case, llm", "prompt= reaches nothing"),
        ("", "trial", "dataset= reaches nothing: the test takes no `case`"),
    ],
)
def test_an_axis_that_reaches_nothing_is_refused(project, keywords, takes, said):
    """Variants that cannot differ would be compared in vain; a typing error makes them."""
    project.write("p.prompt.md", "user:\nhello\n")
    project.eval(
        f"@pytest.mark.ailoop('cases.jsonl', {keywords})\ndef test_it({takes}): assert True\n"
    )
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*test_eval.py::test_it: *{said.replace('[', '[[]')}*"])


@pytest.mark.parametrize(
    "test",
    [
        "def test_it(case, style): assert case",
        "def test_it(case, app): assert case",
        "def test_it(asking, style): assert asking",
        "def test_it(request, style): assert request.getfixturevalue('case')",
        "@pytest.mark.usefixtures('app')\ndef test_it(case): assert case",
    ],
)
def test_an_axis_may_reach_a_fixture(project, test):
    """What a fixture of the user's takes, or may ask for, is heard."""
    project.write(
        "conftest.py",
        "import pytest\n"
        "@pytest.fixture\ndef app(style): return style\n"
        "@pytest.fixture\ndef asking(request): return request.getfixturevalue('case')\n",
    )
    project.eval(f"@pytest.mark.ailoop('cases.jsonl', params={{'style': ['a', 'b']}})\n{test}\n")
    project.run().assert_outcomes(passed=6)


@pytest.mark.parametrize("mark", ["ailoop", "pytest.mark.ailoop"])
def test_none_in_a_marker_is_nothing_said(project, mark):
    """The marker and its typed twin take None alike: what the module says counts."""
    project.eval(
        "pytestmark = ailoop(dataset='cases.jsonl', trials=2)\n\n"
        f"@{mark}(dataset=None, trials=None)\ndef test_it(case): assert case\n"
    )
    project.run("--ailoop-case=sun").assert_outcomes(passed=2)


def test_a_usage_fault_counts_no_items(project):
    """Where the session ends before it runs, no line says how much is to be evaluated."""
    project.eval(
        "@ailoop(dataset='cases.jsonl')\ndef test_it(case): assert case\n"
        "@ailoop(dataset='cases.jsonl', trials=0)\ndef test_bad(case): assert case\n"
    )
    project.run().stdout.no_fnmatch_line("*to evaluate*")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[models.a]\nmodle = 'x'\n", "ailoop.toml [[]models.a]: unknown key 'modle'*"),
        ("[models\n", "ailoop.toml:1*"),
        ("[models.a]\nmodel = 'x'\nbase_url = 'https://me:pass@x/v1'\n", "*must not hold*"),
    ],
)
def test_a_fault_in_the_configuration_is_a_usage_error(project, text, said):
    """It is told once and by words alone, whatever number of tests needs the file."""
    project.write("ailoop.toml", text)
    for name in ("test_a.py", "test_b.py"):
        project.eval(
            "@pytest.mark.ailoop('cases.jsonl', model='a')\n"
            "def test_it(case, model): assert case\n"
            "@pytest.mark.ailoop('nope.jsonl')\ndef test_other(case): assert case\n",
            name,
        )
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: ailoop: {said}"])
    assert len(list(filter(None, result.errlines))) == 1
    result.stdout.no_fnmatch_line("*pytest_ailoop*")


def test_a_fault_in_the_configuration_reaches_the_controller(project):
    """Workers cannot end the session; what they say is shown as an error of collecting."""
    project.write("ailoop.toml", "[models.a]\nmodle = 'x'\n")
    project.eval("@pytest.mark.ailoop('cases.jsonl')\ndef test_it(case): assert case\n")
    result = project.run("-n", "2")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["ailoop.toml [[]models.a]: unknown key 'modle'*"])
    result.stdout.no_fnmatch_line("*pytest_ailoop/*")


def test_without_evals_a_fault_in_the_configuration_harms_nothing(project):
    """The tables are read for evals only."""
    project.write("ailoop.toml", "[models\n")
    project.write("test_plain.py", "def test_plain(): assert True\n")
    project.run().assert_outcomes(passed=1)
