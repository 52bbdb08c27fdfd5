"""A baseline's life: accepted, compared with, accepted in parts; never accepted by CI."""

from __future__ import annotations

import subprocess
import sys

import pytest


def section(result: pytest.RunResult) -> str:
    """Return what the terminal shows from our section on."""
    return result.stdout.str().partition("= ailoop =")[2]


def test_without_a_baseline_all_is_new(planets):
    """A first run has nothing to compare with, says so, and writes none."""
    result = planets.project.run()
    assert {"new": 3} == planets.ended["counts"]
    result.stdout.fnmatch_lines(["baseline: none yet (3 new)", "next: ailoop accept --only new *"])
    assert not planets.project.baseline().exists()


def test_accepted_scores_are_unchanged_afterwards(planets, workers):
    """`--snapshot-update` makes the run the baseline; the same answers stand to it unchanged."""
    result = planets.project.run("--snapshot-update", *workers)
    result.stdout.fnmatch_lines(["baseline: accepted 3 new"])
    result = planets.project.run(*workers)
    assert {"unchanged": 3} == planets.ended["counts"]
    result.stdout.fnmatch_lines(["  (all) * same *", "baseline: 3 unchanged"])


def test_a_second_update_leaves_the_file_alone(planets):
    """Accepting what is accepted already does not touch the file."""
    planets.accept()
    path = planets.project.baseline()
    before = path.read_bytes(), path.stat().st_mtime_ns
    result = planets.project.run("--snapshot-update")
    assert before == (path.read_bytes(), path.stat().st_mtime_ns)
    result.stdout.fnmatch_lines(["baseline: nothing to accept"])


def bad_answer(planets):
    planets.answer(moon="green cheese")


def changed_row(planets):
    rows = [{"id": "sun", "input": "our sun", "expected": "star"}]
    planets.project.rows([*rows, *old_rows(planets)[1:]])


def new_row(planets):
    planets.answer(pluto="a planet")
    planets.project.rows(
        [*old_rows(planets), {"id": "pluto", "input": "pluto", "expected": "planet"}]
    )


def removed_row(planets):
    planets.project.rows(old_rows(planets)[:2])


def old_rows(planets):
    import json

    text = (planets.project.path / "cases.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def changed_check(planets):
    replaced(planets, "contains(case.expected)", "contains(case.expected, ignore_case=True)")


def renamed_test(planets):
    replaced(planets, "def test_it", "def test_that")


def new_variant(planets):
    replaced(planets, 'dataset="cases.jsonl"', 'dataset="cases.jsonl", model="mini"')
    replaced(planets, "def test_it(case)", "def test_it(case, model)")


def replaced(planets, old, new):
    path = planets.project.path / "test_eval.py"
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")


@pytest.mark.parametrize(
    ("edit", "changes", "words"),
    [
        (bad_answer, {"test_it moon": "regressed"}, "1 regressed, 2 unchanged"),
        (changed_row, {"test_it sun": "changed case"}, "1 changed case, 2 unchanged"),
        (new_row, {"test_it pluto": "new"}, "1 new, 3 unchanged"),
        (removed_row, {"test_it mars": "missing"}, "1 missing, 2 unchanged"),
        (
            changed_check,
            dict.fromkeys(("test_it mars", "test_it moon", "test_it sun"), "changed check"),
            "3 changed check",
        ),
        (
            renamed_test,
            {
                f"{test} {case}": status
                for test, status in (("test_it", "missing"), ("test_that", "new"))
                for case in ("mars", "moon", "sun")
            },
            "3 new, 3 missing",
        ),
        (
            new_variant,
            {
                f"test_it {case}{variant}": status
                for variant, status in (("", "missing"), (" mini", "new"))
                for case in ("mars", "moon", "sun")
            },
            "3 new, 3 missing",
        ),
    ],
)
def test_each_case_has_its_status(planets, edit, changes, words):
    """Each case stands to its accepted line by a status, in the terminal and for other plugins."""
    planets.accept()
    edit(planets)
    result = planets.project.run()
    found = {key: one for key, one in planets.ended["changes"].items() if one != "unchanged"}
    assert changes == found
    result.stdout.fnmatch_lines([f"baseline: {words}"])


def test_better_than_accepted_is_improved(planets):
    """A case whose scores rose is improved, also where it was accepted as failing."""
    bad_answer(planets)
    planets.accept()
    planets.answer(moon="a moon")
    result = planets.project.run()
    assert "improved" == planets.ended["changes"]["test_it moon"]
    result.stdout.fnmatch_lines(["  (all) * +1 *", "next: ailoop accept --only improved *"])


def test_a_changed_prompt_is_told_from_a_changed_score(planets):
    """Another prompt text is a change of the prompt where no score moved, else the move is told."""
    replaced(planets, "def test_it(case)", "def test_it(case, prompt)")
    replaced(planets, 'dataset="cases.jsonl"', 'dataset="cases.jsonl", prompt="ask.prompt.md"')
    planets.project.write("ask.prompt.md", "What is {{ it }}?\n")
    planets.accept()
    planets.project.write("ask.prompt.md", "What might {{ it }} be?\n")
    planets.answer(mars="a god")
    planets.project.run()
    assert {
        "test_it mars ask": "regressed",
        "test_it moon ask": "changed prompt",
        "test_it sun ask": "changed prompt",
    } == planets.ended["changes"]


def test_a_failure_shows_the_accepted_output(planets, workers):
    """The failure's text has the difference to what was accepted on this machine."""
    planets.accept()
    bad_answer(planets)
    result = planets.project.run(*workers)
    result.stdout.fnmatch_lines(
        ["accepted output (-) and this one (+):", "  | -a moon", "  | +green cheese"]
    )


@pytest.mark.parametrize(
    ("kinds", "accepted", "left"),
    [
        ("new", {"pluto"}, ["improved", "missing", "regressed"]),
        ("improved", {"sun"}, ["missing", "new", "regressed"]),
        ("regressed,new", {"moon", "pluto"}, ["improved", "missing"]),
        ("prune", set(), ["improved", "new", "regressed"]),
    ],
)
def test_less_than_all_is_accepted(planets, kinds, accepted, left):
    """`--ailoop-accept` writes the lines of its kinds; all others stay to the byte."""
    planets.answer(sun="a ball")
    planets.accept()
    before = planets.lines
    removed_row(planets)
    new_row(planets)
    planets.answer(sun="a star", moon="green cheese")
    result = planets.project.run(f"--ailoop-accept={kinds}")
    after = planets.lines
    changed = {line for line in after if '"case"' in line} - set(before)
    assert accepted == {line.partition('"case": "')[2].partition('"')[0] for line in changed}
    assert any('"mars"' in line for line in after)
    told = [line for line in section(result).splitlines() if line.startswith("baseline: left")]
    assert left == sorted(line.split()[3] for line in told if "accepted by" in line)


def test_pruning_what_is_gone(planets, workers):
    """A complete, passing run takes out lines of removed rows, tests and variants, and no other."""
    planets.accept()
    kept = [line for line in planets.lines if '"mars"' not in line]
    removed_row(planets)
    result = planets.project.run("--ailoop-accept=prune", *workers)
    result.stdout.fnmatch_lines(["baseline: removed 1 missing"])
    assert kept == planets.lines
    renamed_test(planets)
    planets.accept()
    assert not any('"test_it"' in line for line in planets.lines)


def test_a_module_without_evals_any_more_is_gone(planets):
    """Lines of a module whose evals all left are missing, and pruned with their file."""
    planets.project.write("test_other.py", (planets.project.path / "test_eval.py").read_text())
    planets.accept()
    planets.project.write("test_other.py", "def test_ordinary():\n    pass\n")
    result = planets.project.run()
    result.stdout.fnmatch_lines(["baseline: 3 missing, 3 unchanged"])
    planets.project.run("--snapshot-update", "test_eval.py")
    assert planets.project.baseline("test_other").exists()
    planets.project.run("--snapshot-update")
    assert not planets.project.baseline("test_other").exists()
    assert planets.project.baseline().exists()


def test_a_failing_run_does_not_prune(planets):
    """Asked for by name, pruning in a run that does not pass is refused, red and in words."""
    planets.accept()
    before = planets.lines
    removed_row(planets)
    bad_answer(planets)
    result = planets.project.run("--ailoop-accept=prune")
    assert before == planets.lines
    result.stdout.fnmatch_lines(
        ["baseline: left 1 missing (pruning needs a complete run that passes)"]
    )


@pytest.mark.parametrize("quiet", [(), ("-q",), ("-qq",), ("--no-summary",)])
def test_ci_refuses_to_accept(planets, monkeypatch, quiet):
    """With `CI` set a passing run that is told to accept is red and says why, however quiet."""
    monkeypatch.setenv("CI", "true")
    result = planets.project.run("--snapshot-update", *quiet)
    assert pytest.ExitCode.TESTS_FAILED == result.ret
    assert "CI never accepts by itself" in " ".join(result.stdout.str().split())
    assert not planets.project.baseline().exists()


def test_ci_accepts_where_forced(planets, monkeypatch):
    """`--ailoop-force` accepts under `CI`."""
    monkeypatch.setenv("CI", "true")
    assert 0 == planets.project.run("--snapshot-update", "--ailoop-force").ret
    assert 5 == len(planets.lines)


def test_accepting_afterwards_gives_the_same_bytes(planets):
    """`ailoop accept` writes what `--snapshot-update` writes in the run itself."""
    path = planets.project.baseline()
    planets.accept()
    removed_row(planets)
    planets.answer(moon="our moon")
    before = path.read_bytes()
    planets.accept()
    wanted = path.read_bytes()
    path.write_bytes(before)
    planets.project.run()
    accept = [sys.executable, "-m", "pytest_ailoop", "accept"]
    done = subprocess.run(
        accept, cwd=planets.project.path, capture_output=True, text=True, check=False
    )
    assert (0, "") == (done.returncode, done.stderr)
    assert wanted == path.read_bytes()
    assert wanted != before
