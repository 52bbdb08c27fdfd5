"""Which cases run: split, tags, sample, ids, trials; from options, environment and ini."""

from __future__ import annotations

import pytest

ROWS = [
    {"id": "sun", "input": "the sun", "expected": "star", "tags": ["easy", "hot"]},
    {"id": "moon", "input": "the moon", "expected": "moon", "tags": ["easy"]},
    {"id": "mars", "input": "mars", "expected": "planet", "tags": ["hard"]},
    {"id": "io", "input": "io", "expected": "moon", "tags": ["hard"], "split": "test"},
]

EVAL = """
@pytest.mark.ailoop(dataset="cases.jsonl")
def test_it(case):
    expect(case.expected).to(contains(case.expected))

def test_ordinary():
    pass
"""


@pytest.fixture
def rows(project):
    """Four rows, one of them held out."""
    project.rows(ROWS)
    project.eval(EVAL)
    return project


def ran(project):
    """Return the cases of the last run, in order, each trial of them."""
    return [row["key"]["case"] for row in project.results()]


@pytest.mark.parametrize(
    ("args", "cases"),
    [
        ([], ["sun", "moon", "mars"]),
        (["--ailoop-split=dev"], ["sun", "moon", "mars"]),
        (["--ailoop-split=test"], ["io"]),
        (["--ailoop-split=all"], ["sun", "moon", "mars", "io"]),
        (["--ailoop-tag=easy"], ["sun", "moon"]),
        (["--ailoop-tag=easy", "--ailoop-tag=hard"], ["sun", "moon", "mars"]),
        (["--ailoop-tag=easy", "--ailoop-tag=!hot"], ["moon"]),
        (["--ailoop-tag=!easy", "--ailoop-split=all"], ["mars", "io"]),
        (["--ailoop-case=moon", "--ailoop-case=sun"], ["sun", "moon"]),
        (["--ailoop-trials=2", "--ailoop-case=sun"], ["sun", "sun"]),
        (["--ailoop-sample=9"], ["sun", "moon", "mars"]),
        (["--ailoop-sample=100%"], ["sun", "moon", "mars"]),
    ],
)
def test_options_select_cases(rows, args, cases):
    """Each option leaves the cases it names, in the data set's order; ordinary tests run too."""
    result = rows.run(*args)
    result.assert_outcomes(passed=len(cases) + 1)
    assert cases == ran(rows)


def test_a_sample_is_drawn_by_its_seed(rows):
    """The same seed draws the same cases, whatever their order; the size and seed are told."""
    drawn = set()
    for seed in range(6):
        args = ("--ailoop-split=all", "--ailoop-sample=50%", f"--ailoop-seed={seed}")
        rows.rows(ROWS)
        result = rows.run(*args)
        found = sorted(ran(rows))
        result.stdout.fnmatch_lines([f"incomplete: sample 2 of 4, seed {seed}"])
        rows.rows(ROWS[::-1])
        rows.run(*args)
        assert found == sorted(ran(rows))
        drawn.add(tuple(found))
    assert len(drawn) > 1


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (("--ailoop-case=moom",), "no data set holds a case 'moom'; did you mean 'moon'?"),
        (
            ("--ailoop-case=moom", "-n", "2"),
            "no data set holds a case 'moom'; did you mean 'moon'?",
        ),
        (("--ailoop-tag=harb",), "no case bears the tag 'harb'; did you mean 'hard'?"),
        (("--ailoop-tag=zzz",), "no case bears the tag 'zzz' (there are: easy, hard, hot)"),
    ],
)
def test_unknown_names_are_usage_errors(rows, option, message):
    """An id or tag that no data set knows ends the session red, with the nearest that is known."""
    result = rows.run(*option)
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    assert message in " ".join(f"{result.stdout.str()}{result.stderr.str()}".split())
    assert not (rows.path / ".ailoop").exists()


@pytest.mark.parametrize(
    ("args", "env", "message"),
    [
        (["--ailoop-split=tset"], {}, "argument --ailoop-split: invalid choice: 'tset'"),
        (["--ailoop-sample=0"], {}, "--ailoop-sample: expected a number of cases or a percentage"),
        (["--ailoop-sample=120%"], {}, "got '120%'"),
        (["--ailoop-trials=0"], {}, "--ailoop-trials: expected a whole number of at least 1"),
        ([], {"AILOOP_SPLIT": "tset"}, "AILOOP_SPLIT: expected one of dev, test, all, got 'tset'"),
        ([], {"AILOOP_TRIALS": "two"}, "AILOOP_TRIALS: expected a whole number of at least 1"),
        ([], {"AILOOP_REPLIES": "repaly"}, "AILOOP_REPLIES: expected one of auto, replay, record"),
    ],
)
def test_bad_values_are_usage_errors(rows, monkeypatch, args, env, message):
    """A bad value is refused at the start, by the name it was given under."""
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    result = rows.run(*args)
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    assert message in result.stderr.str()


def test_a_bad_ini_value_names_its_file(rows):
    """What stands wrongly in the ini file is refused with the file's name."""
    rows.write("pytest.ini", "[pytest]\nailoop_split = tset\n")
    result = rows.run()
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    assert "ailoop_split in pytest.ini: expected one of dev, test, all" in result.stderr.str()


@pytest.mark.parametrize(
    ("option", "env", "cases"),
    [
        (None, None, ["io", "io", "io"]),
        (None, "dev", ["sun", "moon", "mars"] * 3),
        ("all", "dev", ["sun", "moon", "mars", "io"] * 3),
    ],
)
def test_the_command_line_wins_over_environment_and_ini(rows, monkeypatch, option, env, cases):
    """Option before variable before ini key."""
    rows.write("pytest.ini", "[pytest]\nailoop_split = test\nailoop_trials = 3\n")
    if env:
        monkeypatch.setenv("AILOOP_SPLIT", env)
    rows.run(*([f"--ailoop-split={option}"] if option else []))
    assert sorted(cases) == sorted(ran(rows))


def test_nothing_selected_is_no_success(rows, workers):
    """A selection that leaves no case of any eval exits as pytest does without tests, in words."""
    result = rows.run("--ailoop-tag=hard", "--ailoop-case=sun", *workers)
    assert pytest.ExitCode.NO_TESTS_COLLECTED == result.ret
    result.assert_outcomes(passed=1, skipped=1)
    words = "ailoop: nothing was evaluated: tag hard; case sun leaves no case of cases.jsonl"
    assert words in " ".join(result.stdout.str().split())
    assert not (rows.path / ".ailoop").exists()


def test_a_held_out_data_set_is_skipped_by_name(rows):
    """Without any selection, a data set whose cases are all held out is a skip that says so."""
    rows.rows(ROWS[3:])
    result = rows.run("-rs")
    assert 0 == result.ret
    result.assert_outcomes(passed=1, skipped=1)
    reason = "cases.jsonl has no case in the split dev, only in test (--ailoop-split)"
    assert f"ailoop: {reason}" in " ".join(result.stdout.str().split())


def test_an_empty_data_set_is_skipped_where_allowed(rows):
    """`allow_empty` makes a data set without rows a skip with a reason."""
    rows.write("cases.jsonl", "")
    rows.eval(EVAL.replace('.jsonl"', '.jsonl", allow_empty=True'))
    result = rows.run("-v", "-rs")
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(["*::test_it[[]no-case-selected] SKIPPED (ailoop: cases.jsonl*"])


def test_one_tests_empty_selection_is_seen_beside_others(rows):
    """A test of which nothing was selected stands in the section and as a skip."""
    rows.rows(ROWS[:1], "hot.jsonl")
    rows.eval(EVAL + EVAL.replace("cases", "hot").replace("test_it", "test_hot"))
    result = rows.run("--ailoop-tag=hard", "-rs")
    assert 0 == result.ret
    result.stdout.fnmatch_lines(["- test_eval.py::test_hot", "  over hot.jsonl: 0 of 1 case"])
    result.stdout.fnmatch_lines(["SKIPPED * ailoop: tag hard leaves no case of hot.jsonl"])


def test_ids_work_with_k(rows):
    """`-k` takes parts of ids, and the ids are what `--collect-only` lists."""
    rows.run("-k", "moon or mars").assert_outcomes(passed=2, deselected=2)
    assert ["moon", "mars"] == ran(rows)
    rows.run("test_eval.py::test_it[sun]").assert_outcomes(passed=1)
    assert ["sun"] == ran(rows)


def test_values_of_ordinary_parametrize_do_not_mix_with_ids(rows):
    """A value that holds a case's id is still a value: each is one test in the run."""
    rows.eval(
        """
@pytest.mark.parametrize("tone", ["sunny", "sun", "a-moon-b"])
@pytest.mark.ailoop(dataset="cases.jsonl")
def test_it(case, tone):
    record("length", len(tone))
"""
    )
    rows.run().assert_outcomes(passed=9)
    tests = {row["key"]["test"] for row in rows.results()}
    assert {"test_it[sunny]", "test_it[sun]", "test_it[a-moon-b]"} == tests
    assert {"missing": 0, "passed": 9} == rows.run_json()["counts"]


def test_modules_of_one_name_in_two_folders(rows):
    """Each module has its own cases, baseline and rows in the run."""
    for folder, row in (("one", ROWS[0]), ("two", ROWS[1])):
        rows.write(f"{folder}/__init__.py", "")
        rows.rows([row], f"{folder}/cases.jsonl")
        rows.eval(EVAL, f"{folder}/test_same.py")
    rows.run("one", "two", "--snapshot-update").assert_outcomes(passed=4)
    assert ["one/test_same.py", "two/test_same.py"] == [
        row["key"]["module"] for row in rows.results()
    ]
    for folder, case in (("one", "sun"), ("two", "moon")):
        path = rows.path / folder / "__snapshots__" / "test_same.ailoop"
        (line,) = path.read_text("utf-8").splitlines()[2:]
        assert f'"case": "{case}"' in line
