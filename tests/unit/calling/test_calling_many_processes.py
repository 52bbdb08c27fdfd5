"""Several processes that want the same replies at once: each is paid for by one of them."""

from __future__ import annotations

import contextlib
import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from fakes.openai_server import FakeServer

SCRIPT = Path(__file__).parents[2] / "fakes" / "one_of_many.py"
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts a process; those that still run are ended."""
    (tmp_path / "evals").mkdir()
    with contextlib.ExitStack() as stack:

        def begin(server: FakeServer, calls: int, mode: str = "auto") -> subprocess.Popen[str]:
            arguments = [sys.executable, str(SCRIPT), str(tmp_path), server.url, str(calls), mode]
            pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
            process = stack.enter_context(subprocess.Popen(arguments, text=True, **pipes))
            stack.callback(process.kill)
            return process

        yield begin


def go(*started: Any) -> None:
    for process in started:
        assert process.stdout.readline() == "ready\n", process.communicate()
    for process in started:
        process.stdin.write("go\n")
        process.stdin.flush()


def end(process: Any) -> dict[str, Any]:
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    found: dict[str, Any] = json.loads(out)
    return found


@pytest.mark.parametrize("mode", ["auto", "record"])
def test_processes_pay_each_reply_once(mode: str, start: Start, tmp_path: Path) -> None:
    """Four processes that begin together with the same questions ask each of them once."""
    with FakeServer(latency=0.05, numbered=True) as server:
        started = [start(server, 60, mode) for _ in range(4)]
        go(*started)
        found = [end(one) for one in started]
    assert server.calls == 60
    assert sum(one["live"] for one in found) == 60
    assert all(one["answers"] == found[0]["answers"] for one in found)
    assert [one["warnings"] for one in found] == [[]] * 4
    with closing(sqlite3.connect(tmp_path / ".ailoop" / "cache.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT count(*) FROM replies").fetchone() == (60,)
        assert connection.execute("SELECT count(*) FROM claims").fetchone() == (0,)


def test_what_a_killed_process_had_claimed_is_free_at_once(start: Start, tmp_path: Path) -> None:
    """The same command goes on without waiting for a heartbeat that will not come."""
    with FakeServer(latency=60) as server:
        killed = start(server, 10)
        go(killed)
        while server.calls < 10:
            assert killed.poll() is None
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
        server.latency = 0
        again = start(server, 10)
        go(again)
        with closing(sqlite3.connect(tmp_path / ".ailoop" / "cache.db")) as connection:
            assert connection.execute("SELECT count(*) FROM claims").fetchone() == (10,)
        assert end(again)["live"] == 10
    assert server.calls == 20
