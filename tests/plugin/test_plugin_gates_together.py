"""Gates of the configuration over several tests together, through pytest."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

EVAL = """
@pytest.mark.ailoop(dataset="{data}")
def test_{name}(case):
    expect(case.input).to(equals(case.expected))
"""


class Two:
    """Two evals of twenty cases each; every tenth misses, and it is tagged."""

    def __init__(self, project: Any, workers: tuple[str, ...]) -> None:
        self.project, self.workers = project, workers
        for name in ("one", "two"):
            self.data(name, 2)
            self.project.eval(EVAL.format(data=f"{name}.jsonl", name=name), f"test_{name}.py")

    def data(self, name: str, missed: int) -> None:
        rows = [
            {"id": f"{name}{at}", "input": "x", "expected": "y" if at < missed else "x"}
            for at in range(20)
        ]
        self.project.rows(
            [row | {"tags": ["safety"] * (at < 5)} for at, row in enumerate(rows)], f"{name}.jsonl"
        )

    def gate(self, asks: str, tests: str = '["test_*"]') -> None:
        text = f"[gates.all]\ntogether = true\ntests = {tests}\n{asks}\n"
        self.project.write("ailoop.toml", text)

    def run(self, *args: str) -> pytest.RunResult:
        found: pytest.RunResult = self.project.run(*self.workers, *args, on=["cacheprovider"])
        return found

    def verdict(self) -> dict[str, Any]:
        (found,) = self.project.run_json()["gates"]
        return dict(found)


@pytest.fixture
def two(project: Any, workers: tuple[str, ...]) -> Two:
    return Two(project, workers)


def test_one_verdict_over_several_tests(two: Two) -> None:
    """It is a report of its own, in counts, junit and the verdict file, with all the cases."""
    two.gate("pass_rate = 0.95\nfixed = true")
    result = two.run("--junitxml=out.xml", "--ailoop-verdict-file=verdict.json")
    assert pytest.ExitCode.TESTS_FAILED == result.ret
    assert (1, 4) == ((found := result.parseoutcomes())["failed"], found["missed"])
    node = "ailoop.toml::gates[[]all: pass_rate(0.95)[]]"
    result.stdout.fnmatch_lines(
        ["all: pass_rate(0.95): failed, 90% over 40 cases", f"FAILED {node}*"]
    )
    assert ["test_one.py::test_one", "test_two.py::test_two"] == two.verdict()["tests"]
    suite = ET.parse(two.project.path / "out.xml").getroot()[0]
    names = [(one.attrib["classname"], one.attrib["name"]) for one in suite]
    assert ("ailoop.toml", "gates[all: pass_rate(0.95)]") in names
    told = json.loads((two.project.path / "verdict.json").read_text("utf-8"))
    reason = "ailoop.toml::2 tests: all: pass_rate(0.95): failed, 90% over 40 cases"
    assert ("failed", [reason]) == (told["verdict"], told["reasons"])


def test_cases_with_a_tag_across_tests(two: Two) -> None:
    """Items that it counts are measured; those without the tag decide for themselves."""
    two.gate('pass_rate = 0.2\nfixed = true\ntag = "safety"')
    result = two.run()
    assert pytest.ExitCode.OK == result.ret
    assert 4 == result.parseoutcomes()["missed"]
    assert ("passed", 10) == ((found := two.verdict())["status"], found["cases"])
    two.data("one", 6)
    result = two.run()
    assert (1, 7) == ((found := result.parseoutcomes())["failed"], found["missed"])


def test_comparisons_over_several_tests(two: Two) -> None:
    """What neither test shows alone, both do together; the reasons name what changed in each."""
    two.gate("no_regression = 0.02")
    for name in ("one", "two"):
        two.data(name, 0)
    two.run("--snapshot-update")
    source = "wrong = {wrong}\n" + EVAL.replace("case.input", "case.input * (case.id not in wrong)")
    for name in ("one", "two"):
        wrong = [f"{name}{at}" for at in range(5)]
        text = source.format(wrong=wrong, data=f"{name}.jsonl", name=name)
        two.project.eval(text, f"test_{name}.py")
    result = two.run()
    assert pytest.ExitCode.TESTS_FAILED == result.ret
    found = two.verdict()
    assert ("regressed", 40) == (found["status"], found["cases"])
    assert ["test_one: nothing", "test_two: nothing"] == [one[:17] for one in found["since"][:2]]
    failures = result.stdout.str().partition("= ailoop =")[0]
    assert "test_one: nothing of ours changed" in failures
    assert "test_two: nothing of ours changed" in failures
    remembered = json.loads(
        (two.project.path / ".pytest_cache/v/cache/lastfailed").read_text("utf-8")
    )
    assert 10 == len(remembered)


def test_a_part_of_the_tests_decides_nothing(two: Two) -> None:
    """One of two files is no sample of both."""
    two.gate("pass_rate = 0.99\nfixed = true")
    result = two.run("test_one.py")
    assert pytest.ExitCode.OK == result.ret
    result.stdout.fnmatch_lines(["*not decided: only test_one.py was asked for*"])


def move(two: Two) -> Path:
    """Move the second test to a folder of its own."""
    folder: Path = two.project.path / "sub"
    folder.mkdir()
    for name in ("test_two.py", "two.jsonl"):
        (two.project.path / name).rename(folder / name)
    return folder / "test_two.py"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["sub"], "only sub was asked for*"),
        (["sub", "test_one.py"], "only sub, test_one.py was asked for*"),
        (["--ignore", "sub/test_two.py"], "*left out tests (--ignore sub/test_two.py)*"),
        (["--ignore=sub"], "*left out tests (--ignore sub)*"),
        (["--ignore-glob=*two*"], "*left out tests (--ignore-glob)*"),
        (["test_one.py::test_one"], "*left out tests (node ids test_one.py)*"),
        (["--lf"], "*left out tests (--lf)*"),
    ],
)
def test_what_the_command_line_leaves_out_decides_nothing(
    two: Two, args: list[str], words: str
) -> None:
    """Nobody knows which tests would have been collected, so what is there is a part."""
    two.data("two", 0)
    move(two)
    two.data("one", 20)
    two.gate("pass_rate = 0.6\nfixed = true", '["*test_*"]')
    if args == ["--lf"]:
        # It remembers none of the second test, and does not even look into its file.
        assert pytest.ExitCode.TESTS_FAILED == two.run().ret
    two.data("one", 0)
    result = two.run(*args)
    assert pytest.ExitCode.OK == result.ret
    assert "inconclusive" == two.verdict()["status"]
    assert fnmatch(two.verdict()["reasons"][0], f"not decided: {words}")


@pytest.mark.parametrize("args", [[], ["."], ["sub", "--ignore=gone"], ["--ignore=test_other.py"]])
def test_what_leaves_nothing_out_is_decided(two: Two, args: list[str]) -> None:
    """A folder that holds all the tests, and what is ignored without an eval."""
    move(two)
    two.project.write("test_other.py", "def test_other():\n    pass\n")
    two.gate("pass_rate = 0.5\nfixed = true", '["sub/*"]' if "sub" in args else '["*"]')
    two.run(*args)
    cases = 20 if "sub" in args else 40
    assert ("passed", cases) == (two.verdict()["status"], two.verdict()["cases"])


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ("import nothing_of_that_name\n", "an error"),
        ("import pytest\npytest.importorskip('nothing_of_that_name')\n", "it skips itself"),
    ],
)
def test_a_module_that_is_not_there_makes_it_invalid(two: Two, head: str, words: str) -> None:
    """Its tests could not run: that is no pass of the others. Another gate's concern it is not."""
    module = move(two)
    module.write_text(head + module.read_text("utf-8"), "utf-8")
    two.gate("pass_rate = 0.5\nfixed = true", '["*"]')
    assert pytest.ExitCode.TESTS_FAILED == two.run("--continue-on-collection-errors").ret
    assert "invalid" == two.verdict()["status"]
    assert f"sub/test_two.py was not collected ({words}" in two.verdict()["reasons"][0]
    two.gate("pass_rate = 0.5\nfixed = true", '["test_one.py::*"]')
    two.run("--continue-on-collection-errors")
    assert "passed" == two.verdict()["status"]


def test_a_gate_that_names_no_test_is_told(two: Two) -> None:
    """A pattern with a typing error must not go unseen."""
    two.gate("pass_rate = 0.5", '["test_onne"]')
    result = two.run()
    result.stdout.fnmatch_lines(["*gates.all: its `tests` name no test*"])
    two.gate("pass_rate = 0.5", '["test_one", "test_onne"]')
    assert pytest.ExitCode.TESTS_FAILED == two.run().ret
    assert "invalid" == two.verdict()["status"]


@pytest.mark.parametrize(
    ("asks", "words"),
    [
        ('pass_rate = 0.9\ninconclusive = "more"', "*gates.all: inconclusive = 'more' draws*"),
        ("pass_rate = 0.9\ntogeter = true", "*unknown key 'togeter'; did you mean 'together'*"),
    ],
)
def test_what_means_nothing_is_refused(project: Any, asks: str, words: str) -> None:
    """Where it is written, before anything runs."""
    two = Two(project, ())
    two.gate(asks)
    result = two.run()
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines([words])


def test_trials_cannot_be_left_to_it(project: Any) -> None:
    """Rounds are drawn as a test's own gates need them, of which there is none here."""
    two = Two(project, ())
    two.gate("pass_rate = 0.5")
    mark = 'dataset="{data}", trials="auto"'
    source = EVAL.replace('dataset="{data}"', mark).format(data="one.jsonl", name="one")
    project.eval(source, "test_one.py")
    result = two.run()
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines(["*its gates are over several tests together; give it gate=*"])


def test_it_stops_no_test_early(two: Two) -> None:
    """A test that stops where its gates are settled has none of its own under it."""
    two.gate("pass_rate = 0.5")
    two.run("--ailoop-stop=settled")
    assert 0 == two.project.counts["settled"]
    assert 40 == two.verdict()["cases"]


@pytest.mark.parametrize(
    ("asks", "args", "expected"),
    [
        ("pass_rate = 0.5", ["--ailoop-tag=safety"], "not decided: * (tag safety)"),
        (
            "pass_rate = 0.5",
            ["--ailoop-case=one7", "--ailoop-case=two7"],
            "not decided: * (case *)",
        ),
        ("pass_rate = 0.5", ["--ailoop-sample=15"], None),
        (
            "pass_rate = 0.5\nfixed = true",
            ["--ailoop-sample=15"],
            "not decided: * (sample 15 of 20*)",
        ),
        ("every_case = true", ["--ailoop-sample=15"], "not decided: * (sample 15 of 20*)"),
        ("pass_rate = 0.5\nfixed = true", ["--ailoop-sample=100%"], None),
    ],
)
def test_chosen_cases_do_not_stand_for_all(
    two: Two, asks: str, args: list[str], expected: str | None
) -> None:
    """Nothing is decided of them; of a random sample what is decided of samples anyway."""
    two.gate(asks)
    two.run(*args)
    found = two.verdict()
    status = "passed" if expected is None else "inconclusive"
    assert status == found["status"]
    assert expected is None or fnmatch(found["reasons"][0], expected)
