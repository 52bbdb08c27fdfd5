"""Signs of life while a model takes long, and a terminal that looks afterwards as without them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading

import httpx2  # noqa: F401 - stays imported between runs
import openai  # noqa: F401
import pytest

from pytest_ailoop.plugin import progress
from tests.fakes.openai_server import FakeServer

EVAL = """
@pytest.mark.ailoop(dataset="cases.jsonl", model="slow")
def test_it(case, llm):
    expect(llm(case.input)).to(contains(case.input))
"""

PACE = {"INTERVAL": 0.05, "PATIENCE": 0.1, "PLAIN": 0.2}
OTHERS = ("anyio", "asyncio", "cacheprovider", "hypothesispytest", "randomly", "recording")
STATUS = re.compile(
    r"ailoop: \d/\d items, 1 call in flight, waiting \d+s for fake, cost so far \S+"
)


@pytest.fixture
def slow(project, monkeypatch):
    """A project with an eval whose model takes a while; the pace is quick."""
    for name, seconds in PACE.items():
        monkeypatch.setattr(progress, name, seconds)
    # One call after the other: there is time between them.
    monkeypatch.setenv("AILOOP_LOOKAHEAD", "0")
    with FakeServer(latency=0.5) as server:
        table = f'[tool.ailoop.models.slow]\nmodel = "fake"\nbase_url = "{server.url}"\n'
        project.write("pyproject.toml", table)
        project.eval(EVAL)
        yield project


def signs(result):
    return [line for line in result.outlines if STATUS.search(line)]


def test_lines_where_output_is_no_terminal(slow):
    """In a log there is a line from time to time, and the dots go on after it."""
    result = slow.run()
    result.assert_outcomes(passed=3)
    found = signs(result)
    assert 3 <= len(found) <= 8
    assert found[0].startswith("ailoop: 0/3 items, ")
    assert found[-1].startswith("ailoop: 2/3 items, ")
    assert any(re.fullmatch(r"test_eval\.py \.\.\. +\[100%\]", line) for line in result.outlines)


@pytest.mark.parametrize(
    "args", [("-qq",), ("-s",), ("-n", "1"), ("--ailoop-replies=replay",)], ids=str
)
def test_silence_where_nobody_reads_it(slow, args):
    """Very quiet runs, uncaptured ones, workers and replay show nothing while they wait."""
    assert [] == signs(slow.run("--ailoop-case=sun", *args))


def test_what_was_kept_needs_no_sign(slow, monkeypatch):
    """A second run makes no live call, and no thread."""
    begun = []
    start = progress.Progress._start
    monkeypatch.setattr(progress.Progress, "_start", lambda it: (begun.append(it), start(it)))
    slow.run("--ailoop-case=sun")
    assert 1 == len(begun)
    result = slow.run("--ailoop-case=sun")
    assert (1, []) == (len(begun), signs(result))
    assert "ailoop-progress" not in [thread.name for thread in threading.enumerate()]


class Screen:
    """Shows what a terminal would, of the few sequences that are used."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = [[]]
        self.row = self.column = 0

    def feed(self, data: str) -> None:
        for piece in re.findall(r"\x1b\[[\d;]*[A-Za-z]|[\s\S]", data):
            self._take(piece)

    def _take(self, piece: str) -> None:
        if piece == "\n":
            self.row += 1
            self.rows += [[] for _ in range(self.row + 1 - len(self.rows))]
        elif piece == "\r":
            self.column = 0
        elif piece == "\x1b[2K":
            self.rows[self.row] = []
        elif piece == "\x1b[1A":
            self.row -= 1
        elif piece.startswith("\x1b["):
            self.column += int(piece[2:-1]) if piece.endswith("C") else 0
        else:
            row = self.rows[self.row]
            row += " " * (self.column + 1 - len(row))
            row[self.column] = piece
            self.column += 1

    @property
    def lines(self) -> list[str]:
        return ["".join(row).rstrip() for row in self.rows]


def on_terminal(folder, *args):
    """Run pytest on a terminal of its own; return all that was written there."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    plugins = [part for name in OTHERS for part in ("-p", f"no:{name}")]
    command = [sys.executable, "-m", "pytest", "--color=no", *plugins, *args]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    running = subprocess.Popen(command, cwd=folder, stdout=theirs, env=environment)
    os.close(theirs)
    found = b""
    try:
        while piece := os.read(ours, 4096):
            found += piece
    except OSError:  # The other end is closed.
        pass
    finally:
        os.close(ours)
    assert 0 == running.wait(timeout=30), found.decode()
    return found.decode()


def paced(project, patience):
    """Set the pace of runs in processes of their own."""
    project.write(
        "conftest.py",
        "from pytest_ailoop.plugin import progress\n"
        f"progress.INTERVAL, progress.PATIENCE = 0.05, {patience}\n",
    )


def without_times(lines):
    text = re.sub(r"\d+\.\d+s|\d+ms|\d{8}-\d{6}-\w{4}", "T", "\n".join(lines))
    return re.sub(r" +|=+", " ", text)


@pytest.mark.parametrize("verbose", [(), ("-v",)], ids=["dots", "names"])
def test_a_status_line_on_a_terminal(slow, verbose):
    """It is written below the line in progress, over and over, and leaves nothing behind."""
    args = (*verbose, "--ailoop-replies=live")
    paced(slow, 0.1)
    shown = on_terminal(slow.path, *args)
    assert len(STATUS.findall(shown)) > 6
    screen, bare = Screen(), Screen()
    screen.feed(shown)
    assert not any(STATUS.search(line) for line in screen.lines)
    paced(slow, 30.0)
    bare.feed(on_terminal(slow.path, *args))
    assert without_times(bare.lines) == without_times(screen.lines)


def test_the_status_line_is_seen_between(slow):
    """In the middle of a call the line stands below the dots, cut to the terminal's width."""
    paced(slow, 0.1)
    shown = on_terminal(slow.path)
    screen = Screen()
    screen.feed(shown[: shown.index("ailoop: 1/3 items") + 200].rpartition("\x1b[1A")[0])
    place = next(number for number, line in enumerate(screen.lines) if STATUS.search(line))
    assert "test_eval.py ." == screen.lines[place - 1]
    assert len(screen.lines[place]) < 80
