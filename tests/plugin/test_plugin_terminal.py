"""What a person sees: the header, the section in each verbosity, and nothing without evals."""

from __future__ import annotations

import pytest

EVAL = """
@pytest.mark.ailoop(dataset="cases.jsonl", model=["big", "mini"], trials=2)
def test_answers(case, model):
    expect(f"{case.input} {case.expected} {model}").to(contains(case.expected))
    expect("comet" if model == "big" else case.expected).to(contains("o"), name="round")

@pytest.mark.ailoop(dataset="cases.jsonl")
def test_other(case):
    if case.id == "mars":
        raise ValueError("a very long story of what went wrong " * 5)
    str(case)

def test_ordinary():
    pass
"""


@pytest.fixture
def mixed(planets, monkeypatch):
    """Evals that pass, fail and err, with a baseline that knew another test and other rows."""
    monkeypatch.setenv("COLUMNS", "80")
    planets.accept()
    planets.project.eval(EVAL)
    return planets.project


def section(result: pytest.RunResult) -> list[str]:
    """Return the lines of our section."""
    lines = result.outlines
    start = next(number for number, line in enumerate(lines) if "= ailoop =" in line)
    rest = lines[start + 1 :]
    return rest[: next(number for number, line in enumerate(rest) if line.startswith("==="))]


@pytest.mark.parametrize("options", [(), ("-v",), ("-vv",), ("-k", "sun"), ("-x",)])
def test_no_line_is_longer_than_the_terminal(mixed, options):
    """In 80 columns every line of header and section fits."""
    result = mixed.run(*options)
    shown = [line for line in result.outlines if line.startswith("ailoop: ")] + section(result)
    assert [] == [line for line in shown if len(line) > 80]
    assert len(shown) > 15


def test_the_section_begins_on_a_line_of_its_own(planets):
    """It starts below the dots, and its first line is a test."""
    lines = planets.project.run().outlines
    dots = next(number for number, line in enumerate(lines) if line.startswith("test_eval.py ..."))
    assert "" == lines[dots + 1]
    assert "= ailoop =" in lines[dots + 2]
    assert "- test_eval.py::test_it" == lines[dots + 3]


def test_quiet_is_one_line(mixed):
    """With -q there are neither header nor tables: one line, with what is wrong."""
    result = mixed.run("-q", "--tb=no")
    (line,) = (line for line in result.outlines if line.startswith("ailoop: "))
    changes = "7 new, 3 missing, 2 not measured"
    scored = "4 of 7 scored passed (57% [19, 91]); 7 of 9 scored"
    assert f"ailoop: {scored}; {changes}; 2 items errored; incomplete" == line
    assert not any("vs baseline" in one for one in result.outlines)


def test_very_quiet_is_silent(planets):
    """With -qq a run without trouble says nothing of ours."""
    result = planets.project.run("-qq")
    assert "ailoop" not in result.stdout.str()


def test_verbose_names_checks_then_cases(mixed):
    """With -v every item tells its scores and every check its mean; with -vv every case stands."""
    usual, verbose, most = ("\n".join(section(mixed.run(*one))) for one in ((), ("-v",), ("-vv",)))
    assert "round: mean" not in usual
    assert ". mini: round: mean 0.333 over 6" in verbose
    assert "cases:\n  - test_answers[sun, big]  passed" not in verbose
    assert "cases:\n  - test_answers[sun, big]  passed" in most
    result = mixed.run("-v", "-k", "big and sun and r1")
    result.stdout.fnmatch_lines(["*::test_answers[[]sun-big-r1] PASSED contains 1.00*"])


def test_no_summary_is_no_section(mixed):
    """`--no-summary` leaves out the section."""
    result = mixed.run("--no-summary")
    assert "= ailoop =" not in result.stdout.str()
    assert len(mixed.runs) == 2


@pytest.mark.parametrize(("option", "coloured"), [("--color=yes", True), ("--color=no", False)])
def test_colours_follow_pytest(mixed, option, coloured):
    """Colours are pytest's to give."""
    shown = mixed.run(option).stdout.str()
    assert coloured == ("\x1b[" in shown.partition("ailoop =")[2])
    assert "test_answers[sun, mini]  failed, new" in shown


def test_a_terminal_without_utf8(planets, monkeypatch):
    """On an ASCII terminal other characters are escapes, and lines stay lines."""
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    planets.answer(moon="grüner Käse\nund “Brot”")
    planets.project.rows([{"id": "größe", "input": "mønd", "expected": "stern"}], "fälle.jsonl")
    planets.project.eval(
        """
@pytest.mark.ailoop(dataset="fälle.jsonl")
def test_it(case):
    expect("grüner Käse\\nund “Brot”").to(contains(case.expected))
"""
    )
    result = planets.project.run_apart("-v")
    assert pytest.ExitCode.TESTS_FAILED == result.ret
    assert result.stdout.str().isascii()
    result.stdout.fnmatch_lines(
        [
            r"  | gr\xfcner K\xe4se",
            r"  | und \u201cBrot\u201d",
            r"  over f\xe4lle.jsonl: 1 case",
            r"  - test_it[[]gr\xf6\xdfe]  failed, new",
        ]
    )


def test_the_summary_keeps_to_the_verdict(mixed, monkeypatch):
    """Where pytest does not cut its summary (-vv, CI) a case's story stands above it once."""
    monkeypatch.setenv("CI", "1")
    result = mixed.run("-vv", "-k", "sun and mini and r1")
    story = [line for line in result.outlines if line.startswith("  MISS round")]
    assert 1 == len(story)
    assert result.outlines[-2].endswith("test_answers[sun-mini-r1] - 1 of 2 expectations missed")


def test_the_story_is_no_captured_output(mixed):
    """`--show-capture=no` hides what the test printed, not why it failed."""
    result = mixed.run("--show-capture=no", "-k", "sun and mini and r1")
    result.stdout.fnmatch_lines(["1 of 2 expectations missed", "  MISS round*"])


def test_the_header_says_what_the_run_works_by(mixed):
    """One line after collection: how many items, and by which switches."""
    args = ("-k", "sun", "--ailoop-replies=replay", "--snapshot-update", "--ailoop-seed=3")
    result = mixed.run(*args, "--ailoop-sample=2")
    result.stdout.fnmatch_lines(
        [
            "collected 11 items*",
            "ailoop: * of 10 items to evaluate, replies=replay split=dev models=big,mini",
            "  sample=2 accept=all",
        ]
    )


@pytest.mark.parametrize("quiet", [(), ("-q",)])
def test_collecting_only_keeps_nothing(project, quiet, workers):
    """`--collect-only` lists the items, makes no run and shows no section."""
    project.eval(EVAL)
    # syrupy warns of workers that it did not hear from, and warnings are errors out here.
    result = project.run("--collect-only", "-W", "default", *quiet, *workers)
    assert 0 == result.ret
    result.stdout.fnmatch_lines(["*test_answers[[]sun-big-r1]*"])
    assert "= ailoop =" not in result.stdout.str()
    assert not (project.path / ".ailoop").exists()


@pytest.mark.parametrize(
    "args",
    [
        ("test_plain.py",),
        ("-k", "ordinary"),
        ("-k", "ordinary", "-n", "2"),
        ("-m", "not ailoop"),
        ("--deselect=test_eval.py::test_answers", "--deselect=test_eval.py::test_other"),
        ("--snapshot-update", "-k", "ordinary"),
    ],
)
def test_without_an_eval_there_is_nothing_of_ours(project, args):
    """Where no eval is left to run there is no line, no file and no folder."""
    project.eval(EVAL)
    project.write("test_plain.py", "def test_ordinary():\n    assert True\n")
    result = project.run(*args)
    assert 0 == result.ret
    lines = [line for line in result.outlines if not line.startswith("plugins: ")]
    assert "ailoop" not in "\n".join(lines).replace(project.path.name, "")
    assert [] == [
        one.name for one in project.path.iterdir() if "snap" in one.name or "ail" in one.name
    ]
