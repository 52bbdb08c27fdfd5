"""The modes of replies: which one a run works by, what each reads, asks and writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.openai_server import FakeServer

EVAL = """
@pytest.mark.ailoop(dataset="cases.jsonl", model="m")
def test_it(case, llm):
    expect(llm(f"be terse on {case.input}")).to(contains(case.input))
"""


@pytest.fixture
def asking(project: Any, server: FakeServer) -> Any:
    """The project with an eval that asks the server once a case."""
    table = f'[tool.ailoop.models.m]\nmodel = "fake"\nbase_url = "{server.url}"\n'
    project.write("pyproject.toml", table)
    project.eval(EVAL)
    return project


def recordings(project: Any) -> Path:
    path: Path = project.path / "__recordings__" / "test_eval.jsonl"
    return path


def origins(project: Any) -> list[str]:
    return [call["origin"] for row in project.results() for call in row["calls"]]


def without_clock(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a file of recordings, apart from how long the replies took."""
    found = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [
        {key: value for key, value in line.items() if key not in ("latency", "first_token")}
        for line in found
    ]


def test_auto_asks_once(asking, server, workers):
    """`auto` asks what it does not have; the second run makes no call, and commits nothing."""
    asking.run(*workers).assert_outcomes(passed=3)
    assert 3 == server.calls
    assert ["live"] * 3 == origins(asking)
    asking.run(*workers).assert_outcomes(passed=3)
    assert 3 == server.calls
    assert ["cache"] * 3 == origins(asking)
    assert not recordings(asking).exists()


def test_auto_takes_a_recording_before_the_cache(asking, server):
    """`auto` reads recordings, then the cache, then asks; each case by itself."""
    asking.run("--ailoop-replies=record", "--ailoop-case=sun").assert_outcomes(passed=1)
    asking.run("--ailoop-case=moon").assert_outcomes(passed=1)
    calls = server.calls
    asking.run().assert_outcomes(passed=3)
    assert ["recording", "cache", "live"] == origins(asking)
    assert calls + 1 == server.calls


def test_live_always_asks(asking, server):
    """`live` asks anew each time, and what it was answered is there for `auto`."""
    asking.run("--ailoop-replies=record").assert_outcomes(passed=3)
    before = recordings(asking).read_bytes()
    for count in (6, 9):
        asking.run("--ailoop-replies=live").assert_outcomes(passed=3)
        assert count == server.calls
        assert ["live"] * 3 == origins(asking)
    assert before == recordings(asking).read_bytes()


def test_record_is_the_same_however_many_workers(asking, server):
    """The recordings of one process and of two workers are the same, apart from the clock."""
    found = []
    for workers in ((), ("-n", "2")):
        asking.run("--ailoop-replies=record", *workers).assert_outcomes(passed=3)
        found.append(without_clock(recordings(asking)))
    assert found[0] == found[1]
    assert 6 == server.calls


def test_replay_is_the_same_however_many_workers(asking, server, workers):
    """Replay asks nobody, and leaves recordings and results as they are."""
    asking.run("--ailoop-replies=record").assert_outcomes(passed=3)
    before = recordings(asking).read_bytes()
    server.stop()
    asking.run("--ailoop-replies=replay").assert_outcomes(passed=3)
    results = (asking.runs[-1] / "results.jsonl").read_bytes()
    asking.run("--ailoop-replies=replay", *workers).assert_outcomes(passed=3)
    assert results == (asking.runs[-1] / "results.jsonl").read_bytes()
    assert before == recordings(asking).read_bytes()
    assert 3 == server.calls


def test_replay_takes_nothing_from_the_cache(asking, server):
    """Replay reads committed recordings only, and says so where the cache has the reply."""
    asking.run().assert_outcomes(passed=3)
    result = asking.run("--ailoop-replies=replay")
    result.assert_outcomes(errors=3)
    result.stdout.fnmatch_lines(["*nothing is recorded there*", "*the local cache has this reply*"])
    assert 3 == server.calls


def test_record_prunes_on_a_whole_run_only(asking, server):
    """What no item used goes with a complete run without errors; a part keeps it."""
    asking.run("--ailoop-replies=record").assert_outcomes(passed=3)
    asking.eval(EVAL.replace("terse", "kind"))
    asking.run("--ailoop-replies=record", "--ailoop-case=sun").assert_outcomes(passed=1)
    assert 1 + 4 == len(without_clock(recordings(asking)))
    asking.run("--ailoop-replies=record", "-k", "moon").assert_outcomes(passed=1, deselected=2)
    assert 1 + 5 == len(without_clock(recordings(asking)))
    asking.run("--ailoop-replies=record", "test_eval.py::test_it[mars-m]").assert_outcomes(passed=1)
    assert 1 + 6 == len(without_clock(recordings(asking)))
    server.fail_next(400)
    asking.run("--ailoop-replies=record").assert_outcomes(passed=2, errors=1)
    assert 1 + 6 == len(without_clock(recordings(asking)))
    result = asking.run("--ailoop-replies=record")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["recorded: __recordings__/test_eval.jsonl"])
    assert 1 + 3 == len(without_clock(recordings(asking)))
    assert "terse" not in recordings(asking).read_text("utf-8")


def test_record_stopped_early_prunes_nothing(asking):
    """A run that `-x` stopped keeps what it did not come to."""
    asking.run("--ailoop-replies=record").assert_outcomes(passed=3)
    asking.eval(EVAL.replace("contains(case.input)", "contains('never')"))
    asking.run("--ailoop-replies=record", "-x").assert_outcomes(failed=1)
    assert 1 + 3 == len(without_clock(recordings(asking)))


def test_a_test_that_is_gone_is_pruned(asking):
    """The recordings of a test that is no longer there go with the next whole record run."""
    other = EVAL.replace("test_it", "test_other").replace("terse", "kind")
    asking.eval(EVAL + other)
    asking.run("--ailoop-replies=record").assert_outcomes(passed=6)
    asking.eval(EVAL)
    asking.run("--ailoop-replies=record", "test_eval.py").assert_outcomes(passed=3)
    assert 1 + 3 == len(without_clock(recordings(asking)))


def test_ci_replays_by_default(asking, server, monkeypatch):
    """Where CI is set, replay is the default, and the words of a person win over it."""
    monkeypatch.setenv("CI", "true")
    result = asking.run()
    result.assert_outcomes(errors=3)
    result.stdout.fnmatch_lines(["ailoop: 3 items to evaluate, replies=replay *"])
    assert 0 == server.calls
    monkeypatch.setenv("AILOOP_REPLIES", "record")
    asking.run().assert_outcomes(passed=3)
    monkeypatch.delenv("AILOOP_REPLIES")
    asking.run().assert_outcomes(passed=3)
    assert ["recording"] * 3 == origins(asking)
    asking.run("--ailoop-replies=live").assert_outcomes(passed=3)
    assert ["live"] * 3 == origins(asking)


@pytest.mark.parametrize(("value", "mode"), [("0", "auto"), ("false", "auto"), ("1", "replay")])
def test_what_counts_as_ci(project, monkeypatch, value, mode):
    """CI set to something false is no CI."""
    monkeypatch.setenv("CI", value)
    project.eval("@pytest.mark.ailoop\ndef test_it():\n    record('x', 1)\n")
    project.run().stdout.fnmatch_lines([f"ailoop: 1 item to evaluate, replies={mode} *"])


def test_option_wins_over_environment_over_ini(project, monkeypatch):
    """Command line, then AILOOP_REPLIES, then the ini file decide; the header shows the mode."""
    project.eval("@pytest.mark.ailoop\ndef test_it():\n    record('x', 1)\n")
    project.write("pytest.ini", "[pytest]\nailoop_replies = live\n")
    shown = "ailoop: 1 item to evaluate, replies={} *"
    project.run().stdout.fnmatch_lines([shown.format("live")])
    monkeypatch.setenv("AILOOP_REPLIES", "record")
    project.run().stdout.fnmatch_lines([shown.format("record")])
    project.run("--ailoop-replies=replay").stdout.fnmatch_lines([shown.format("replay")])
    assert "replay" == project.run_json()["options"]["replies"]


@pytest.mark.parametrize(
    ("args", "variable", "ini", "message"),
    [
        (["--ailoop-replies=reply"], "", "", "*--ailoop-replies: invalid choice: 'reply'*"),
        (
            [],
            "recrod",
            "",
            "*AILOOP_REPLIES: expected one of auto, replay, record, live, got 'recrod'; "
            "did you mean 'record'?*",
        ),
        (
            [],
            "",
            "never",
            "*ailoop_replies in pytest.ini: expected one of auto, replay, record, live, "
            "got 'never'*",
        ),
    ],
)
def test_unknown_modes_are_usage_errors(project, monkeypatch, args, variable, ini, message):
    """A mode that does not exist ends the session at once, also where no eval is selected."""
    project.write("test_plain.py", "def test_it():\n    pass\n")
    project.write("pytest.ini", f"[pytest]\nailoop_replies = {ini}\n")
    monkeypatch.setenv("AILOOP_REPLIES", variable)
    result = project.run(*args)
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines([message])
