"""Regular expressions that would backtrack for ever are stopped; harmless ones never leave here."""

from __future__ import annotations

import re
import time

import pytest

from pytest_ailoop.errors import CheckError
from pytest_ailoop.scoring import bounded
from pytest_ailoop.scoring.bounded import Found, find, worst_case
from pytest_ailoop.scoring.check import Subject, run_check
from pytest_ailoop.scoring.text import matches

FAST = r"\d{4}-\d{2}"
SLOW = r"(a+)+$"


@pytest.mark.parametrize(
    "pattern",
    [SLOW, r"(a|aa)+$", r"(a|b|ab)*c", r"(.*)\1$", r"(a*)*b", r"(?:(a?){30})a{30}", r"(x+x+)+y"],
)
def test_catastrophic_patterns_are_stopped(pattern):
    """A pattern with exponential work comes back within its time limit, not scored or scored."""
    bounded._worker.stop()
    began = time.monotonic()
    run_check(matches(pattern, timeout=0.3), Subject.of("a" * 40 + "b"))
    assert time.monotonic() - began < 2.0


def test_the_stop_is_not_scored_and_says_why():
    """The cause names the pattern, the limit and the remedy."""
    score = run_check(matches(SLOW, timeout=0.2), Subject.of("a" * 40 + "b"))
    assert score.value is None
    assert "'(a+)+$' took longer than 0.2 s on 41 characters; make it simpler" in score.not_scored


def test_the_worker_is_replaced_after_a_stop():
    """The match after a killed one works, and so do many in one worker."""
    with pytest.raises(CheckError):
        find(re.compile(SLOW), "a" * 40 + "b", timeout=0.1)
    pattern = re.compile(r"(a+)+b")
    assert [len(find(pattern, "a" * n + "b")) for n in range(1, 20)] == [1] * 19


def test_a_worker_that_died_is_started_again():
    """A worker killed from outside costs nothing but its restart."""
    pattern = re.compile(r"(a+)+b")
    find(pattern, "ab")
    bounded._worker._process.kill()
    assert find(pattern, "ab") == [Found(text="ab", group="a")]


def test_harmless_patterns_start_no_process():
    """Plain patterns on usual texts are matched in this process."""
    bounded._worker.stop()
    for pattern in (FAST, r"Order \d+", r"(?i)sorry|apolog", r"^\w+@\w", r"(?<!x)yes(?=\b)"):
        find(re.compile(pattern), "Order 1234, sorry " * 10)
    assert bounded._worker._process is None


@pytest.mark.parametrize("pattern", [FAST, r"(a+)+", r"(?P<x>b)|c", r"\s*(a)?\s*", "^"])
@pytest.mark.parametrize("text", ["2024-11 aab c", "", "caf\u00e9 \ud800 a\n", "b" * 50])
def test_both_ways_find_the_same(pattern, text, monkeypatch):
    """The worker and this process give equal matches, first, every and full."""
    compiled = re.compile(pattern)
    ways = [{}, {"every": True}, {"full": True}]
    monkeypatch.setattr(bounded, "_INLINE", float("inf"))
    here = [find(compiled, text, **way) for way in ways]
    monkeypatch.setattr(bounded, "_INLINE", -1)
    assert [find(compiled, text, **way) for way in ways] == here


@pytest.mark.parametrize(
    ("pattern", "finite"),
    [
        (FAST, True),
        (r"a*b", True),
        (r"(?:ab){3}", True),
        (r"[a-z]+?x", True),
        (r"(a|b)c", True),
        (r"(a+)+", False),
        (r"(ab|b)*", False),
        (r"(a)\1", False),
        (r"(a)?(?(1)b|c)", False),
        (r"(?:a?){30}", False),
    ],
)
def test_the_screen_tells_nested_choices(pattern, finite):
    """Repeats around choices and back references have no bound; all else has one."""
    assert (worst_case(re.compile(pattern), "aaabbb 2024-11") != float("inf")) == finite


def test_the_bound_grows_with_the_text():
    """A pattern that is harmless on a line goes to the worker on a book."""
    pattern = re.compile(r"\s+$")
    assert worst_case(pattern, " " * 100) < bounded._INLINE < worst_case(pattern, " " * 1_000_000)


@pytest.mark.parametrize("pattern", [r"A:\s*\$?(-?[\d,.]+)", r"(?i)total[^0-9]*(\d+)", r"\w+@\w+"])
def test_only_runs_that_the_text_has_count(pattern):
    """A repeat of single characters takes no more than their longest run in the text at hand."""
    bounded._worker.stop()
    find(
        re.compile(pattern),
        "A: $1,234.5 and more words, none very long. " * 40 + "A:  7",
        every=True,
    )
    assert bounded._worker._process is None


@pytest.mark.parametrize(
    ("pattern", "text", "run"),
    [("a*", "aaba", 2), ("[ab]*", "aaba", 4), (r"\d*", "a12 345", 3), (".*", "abc\nab", 3),
     ("(?s).*", "abc\nab", 6), ("(?i)x*", "xXx", 3), ("[^a]*", "bbabbb", 3),
     ("(?i:x*)", "xXx", 3), ("(?i)(?-i:x*)", "xXx", 1)],
)  # fmt: skip
def test_the_longest_run_is_that_of_the_characters_taken(pattern, text, run):
    """Flags and negation count as they do in the match itself."""
    assert 2 * (run + 1) == worst_case(re.compile(pattern), text, full=True)


def test_after_a_fork_the_pipe_is_not_shared(monkeypatch):
    """A forked child starts a worker of its own and leaves the parent's alone."""
    pattern = re.compile(r"(a+)+b")
    find(pattern, "aab")
    parent = bounded._worker._process
    monkeypatch.setattr(bounded.os, "getpid", lambda: -1)
    find(pattern, "aab")
    child = bounded._worker._process
    bounded._worker.stop()
    assert child is not parent
    parent.returncode = None
    assert parent.poll() is None
    parent.kill()
    parent.communicate()
