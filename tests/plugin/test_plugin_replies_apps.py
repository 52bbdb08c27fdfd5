"""Replies through a real run: each way to ask a model is recorded, replayed, and missed by name."""

from __future__ import annotations

import gc
import re
import shlex
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.openai_server import FakeServer
from tests.fakes.ways import WAYS

MISS = re.compile(
    r"(?s)no recording of POST /\S+ \(model 'fake', trial 1\)\n"
    r"  in __recordings__/test_\w+\.jsonl \(\d+ recorded\)\n"
    r"  nearest recorded request: \S+: recorded 'be terse.*', asked 'be chatty.*'\n"
    r"  to record it: pytest \"test_\w+\.py::test_it\[\S+\]\" --ailoop-replies=record"
)


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer(numbered=True) as running:
        yield running


@pytest.fixture
def ways(project: Any, server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The project with a test module for each way, and an application where it needs one."""
    project.write(
        "pyproject.toml",
        f'[tool.ailoop.models.m]\nmodel = "fake"\nbase_url = "{server.url}"\n',
    )
    for way, files in WAYS.items():
        for name, text in files.items():
            whole = name.replace("WAY", file_name(way))
            write = project.eval if name.startswith("test") else swapped(project.write)
            # No two ways ask the same: a reply is recorded once a session.
            text = text.replace("be terse", f"be terse, {way},")
            write(text.replace("WAY", file_name(way)), whole)
    project.rows([{"id": name, "input": f"the {name}"} for name in ("sun", "moon")])
    monkeypatch.syspath_prepend(str(project.path))
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    yield project
    # Applications leave connections open, also on a loop that is closed: their own affair.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def file_name(way: str) -> str:
    return way.replace(" ", "_")


def swapped(write: Any) -> Any:
    return lambda text, name: write(name, text)


def without_origin(project: Any) -> list[dict[str, Any]]:
    """Return the item records, apart from whether replies came live or from a recording.

    Calls of several threads are written down as they end.
    """
    found = project.results()
    for row in found:
        for call in row["calls"]:
            del call["origin"]
        if "thread_pool" in row["nodeid"]:
            row["calls"].sort(key=lambda call: call["digest"])
            row["output"] = sorted((row["output"] or "").split("\n"))
    return found


def origins(project: Any) -> set[str]:
    return {call["origin"] for row in project.results() for call in row["calls"]}


def recordings(project: Any) -> dict[str, list[bytes]]:
    """Return the lines of each file of recordings."""
    folder = project.path / "__recordings__"
    return {path.stem: path.read_bytes().splitlines() for path in sorted(folder.iterdir())}


def record(project: Any, monkeypatch: pytest.MonkeyPatch, *args: str) -> Any:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-developer-1234")
    result = project.run(*(args or ["--ailoop-replies=record"]))
    monkeypatch.delenv("OPENAI_API_KEY")
    return result


def test_what_was_recorded_is_replayed(
    ways: Any, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each way to ask gives the same outputs, scores, tokens and times again, without server and
    key; the recordings stay as they are."""
    record(ways, monkeypatch).assert_outcomes(passed=2 * len(WAYS))
    assert {"live"} == origins(ways)
    calls = server.calls
    server.stop()
    recorded, files = without_origin(ways), recordings(ways)
    assert {f"test_{file_name(way)}" for way in WAYS} == set(files)
    assert calls == sum(len(lines) - 1 for lines in files.values())
    for row in recorded:
        assert row["output"], row["nodeid"]

    ways.run("--ailoop-replies=replay").assert_outcomes(passed=2 * len(WAYS))
    assert {"recording"} == origins(ways)
    for before, after in zip(recorded, without_origin(ways), strict=True):
        assert before == after
    assert calls == server.calls
    assert files == recordings(ways)


def test_a_changed_word_misses_by_name(
    ways: Any, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One changed word makes each way an error that names the word, what is nearest and the
    command; that very command records it, and drops nothing else."""
    record(ways, monkeypatch)
    server.stop()
    before = recordings(ways)
    for path in ways.path.glob("*.py"):
        path.write_text(path.read_text().replace("terse", "chatty"))
    result = ways.run("--ailoop-replies=replay")
    result.assert_outcomes(errors=2 * len(WAYS))
    assert pytest.ExitCode.TESTS_FAILED == result.ret
    for row in ways.results():
        assert ("error", "ReplayMissError") == (row["outcome"], row["fault"]["type"])
        assert MISS.search(row["fault"]["message"]), row["nodeid"]
    commands = re.findall(r"^E +to record it: pytest (.*)$", result.stdout.str(), re.MULTILINE)
    assert 2 * len(WAYS) == len(commands)

    server.start()
    for command in commands[:: len(commands) // 3]:
        node, mode = shlex.split(command)
        calls = server.calls
        record(ways, monkeypatch, node, mode).assert_outcomes(passed=1)
        assert server.calls > calls
        calls = server.calls
        ways.run(node, "--ailoop-replies=replay").assert_outcomes(passed=1)
        assert server.calls == calls
    after = recordings(ways)
    assert before.keys() == after.keys()
    for name, lines in before.items():
        assert set(lines) <= set(after[name])
