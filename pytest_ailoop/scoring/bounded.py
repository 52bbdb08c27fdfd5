"""Regular expressions that cannot hang the run.

`re` backtracks and holds the GIL, so a thread cannot stop it. A pattern whose worst case is small
for the text at hand runs here; any other runs in a worker process that is killed at the time
limit. The worker starts at first need, lives as long as this process and speaks JSON lines.
PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import importlib
import json
import os
import re
import subprocess
import sys
import threading
import time
from typing import Any

from pytest_ailoop.errors import CheckError
from pytest_ailoop.frozen import dataclass
from pytest_ailoop.text import cut

__all__ = ["Found", "find", "worst_case"]

_INLINE = 2_000_000
"""Steps of the matcher allowed in this process: some 50 ms."""
_START = 30.0
"""Seconds granted to the start of the worker, on a loaded machine."""

_WORKER = r"""
import json, re, sys
def answer(task):
    pattern = re.compile(task["pattern"], task["flags"])
    text = task["text"]
    if task["every"]:
        found = pattern.finditer(text)
    else:
        one = pattern.fullmatch(text) if task["full"] else pattern.search(text)
        found = [] if one is None else [one]
    return [[one.group(), one.group(1) if pattern.groups else None] for one in found]
sys.stdout.write("ready\n"); sys.stdout.flush()
for line in sys.stdin:
    sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n"); sys.stdout.flush()
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """One match."""

    text: str
    group: str | None
    """The first group; None where the pattern has none or it took no part."""


def find(
    pattern: re.Pattern[str],
    text: str,
    *,
    full: bool = False,
    every: bool = False,
    timeout: float = 1.0,
) -> list[Found]:
    """Return the first match of *pattern* in *text*, or *every* match; empty where there is none.

    Raises `CheckError` after *timeout* seconds.
    """
    task = {"pattern": pattern.pattern, "flags": pattern.flags, "text": text}
    task |= {"full": full, "every": every}
    if worst_case(pattern, text, full=full) <= _INLINE:
        rows = _here(pattern, text, full, every)
    else:
        rows = _worker.ask(task, timeout)
    return [Found(text=row[0], group=row[1]) for row in rows]


def _here(pattern: re.Pattern[str], text: str, full: bool, every: bool) -> list[Any]:
    if every:
        found = list(pattern.finditer(text))
    else:
        one = pattern.fullmatch(text) if full else pattern.search(text)
        found = [] if one is None else [one]
    return [(one.group(), one.group(1) if pattern.groups else None) for one in found]


def worst_case(pattern: re.Pattern[str], text: str, *, full: bool = False) -> float:
    """Return a bound on the matcher's steps over *text*; infinite where none is known.

    From each start, a place that can take more or less multiplies the ways to match: by no more
    than the longest run of characters that it takes, where it takes single ones. A repeat around
    such a place, and a back reference, have no small bound.
    """
    try:
        parsed = _parsed(pattern.pattern, pattern.flags)
        ways = _Ways(text, pattern.flags).of(parsed)
    except (ImportError, AttributeError, TypeError, ValueError, RecursionError, re.error):
        return float("inf")
    return ways * (1 if full else len(text) + 1) * 2


@functools.lru_cache(maxsize=256)
def _parsed(pattern: str, flags: int) -> Any:
    # Python's own parser, under a private name: where it is missing, all goes to the worker.
    return importlib.import_module("re._parser").parse(pattern, flags)


_SINGLE = ("LITERAL", "NOT_LITERAL", "ANY", "IN", "CATEGORY", "RANGE")


class _Ways:
    """Counts the ways in which a parsed pattern can match from one place of *text*."""

    def __init__(self, text: str, flags: int) -> None:
        self._text, self._flags = text, flags

    def of(self, parsed: Any) -> float:
        ways = 1.0
        for op, argument in parsed:
            ways *= self._step(str(op), argument)
            if ways > _INLINE:
                return float("inf")
        return ways

    def _step(self, op: str, argument: Any) -> float:
        if op in _SINGLE or op in ("AT", "FAILURE"):
            return 1.0
        if op in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            return self._repeat(*argument)
        if op == "SUBPATTERN":
            _, added, taken, part = argument
            return _Ways(self._text, (self._flags | added) & ~taken).of(part)
        if op == "ATOMIC_GROUP":
            return self.of(argument)
        if op in ("ASSERT", "ASSERT_NOT"):
            return self.of(argument[1])
        if op == "BRANCH":
            return sum(self.of(one) for one in argument[1])
        return float("inf")

    def _repeat(self, least: Any, most: Any, body: Any) -> float:
        # A fixed count of a body with one way has one way; all else around choices may explode.
        if self.of(body) != 1.0:
            return float("inf")
        longest = min(int(most), len(self._text))
        if longest > int(least) and len(body) == 1 and str(body[0][0]) in _SINGLE:
            longest = min(longest, self._longest_run(body))
        return float(max(longest - min(int(least), longest) + 1, 1))

    def _longest_run(self, body: Any) -> int:
        """Return the length of the longest run of characters that *body* takes, one by one."""
        runs = _runs(body, self._flags).finditer(self._text)
        return max((len(one.group()) for one in runs), default=0)


_known_runs: dict[tuple[str, int], re.Pattern[str]] = {}


def _runs(body: Any, flags: int) -> re.Pattern[str]:
    """Return a pattern for runs of what *body*, a parsed single character, takes."""
    name = repr(body), flags
    found = _known_runs.get(name)
    if found is None:
        whole = importlib.import_module("re._parser").parse("x+", flags)
        op, (least, most, _) = whole[0]
        whole[0] = (op, (least, most, body))
        found = importlib.import_module("re._compiler").compile(whole, flags)
        if len(_known_runs) < 1000:
            _known_runs[name] = found
    return found


class _Worker:
    """The process that may be killed; one task at a time."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._owner = 0
        self._lock = threading.Lock()

    def ask(self, task: dict[str, Any], timeout: float) -> list[Any]:
        line = json.dumps(task) + "\n"
        with self._lock:
            for _ in range(2):  # a worker killed a moment too late is found dead by the next task
                answer, late = self._try(line, timeout)
                if answer:
                    return list(json.loads(answer))
                if late:
                    raise CheckError(
                        f"the pattern {cut(repr(task['pattern']), 60)} took longer than "
                        f"{timeout:g} s on {len(task['text'])} characters; make it simpler "
                        "(no repeat inside a repeat), or give timeout="
                    )
        raise CheckError("the process that runs regular expressions ended without an answer")

    def _try(self, line: str, timeout: float) -> tuple[str, bool]:
        process = self._alive()
        began = time.monotonic()
        answer = _exchange(process, line, timeout)
        late = not answer and time.monotonic() - began >= timeout
        if not answer:
            self.stop()
        return answer, late

    def _alive(self) -> subprocess.Popen[str]:
        process = self._process
        if process is not None and self._owner != os.getpid():
            # After a fork the pipe belongs to the parent; 0 keeps Popen from warning about it.
            process.returncode, process = 0, None
        if process is not None and process.poll() is not None:
            _close_pipes(process)
            process = None
        if process is None:
            process = self._process = _start()
            self._owner = os.getpid()
        return process

    def stop(self) -> None:
        """End the worker; the next task starts another."""
        process, self._process = self._process, None
        if process is None or self._owner != os.getpid():
            return
        process.kill()
        _close_pipes(process)
        process.wait()


def _close_pipes(process: subprocess.Popen[str]) -> None:
    for stream in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):
            if stream is not None:
                stream.close()


def _start() -> subprocess.Popen[str]:
    if not sys.executable:
        raise CheckError("this Python does not know its own executable; simplify the pattern")
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _WORKER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="ascii",
    )
    if not _exchange(process, "", _START):
        process.kill()
        process.communicate()
        raise CheckError("the process that runs regular expressions did not start")
    return process


def _exchange(process: subprocess.Popen[str], line: str, timeout: float) -> str:
    """Return the worker's answer line; empty where it was killed at the time limit or died."""
    if process.stdin is None or process.stdout is None:
        return ""
    # select() does not take pipes on Windows; a timer that kills works everywhere.
    timer = threading.Timer(timeout, process.kill)
    timer.start()
    try:
        process.stdin.write(line)
        process.stdin.flush()
        return process.stdout.readline()
    except OSError:
        return ""
    finally:
        timer.cancel()


_worker = _Worker()
atexit.register(_worker.stop)
