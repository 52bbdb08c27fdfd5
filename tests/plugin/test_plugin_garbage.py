"""The garbage collector passes over what was there before the first item, and over nothing else."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import Project

_EVAL = """
import gc

@pytest.mark.ailoop(dataset="cases.jsonl")
def test_it(case):
    assert gc.get_freeze_count() {0}
"""

#: A host that runs pytest inside of itself, and looks at the collector before and after.
_HOST = """
import gc, sys, pytest

{0}
before = gc.get_freeze_count()
status = pytest.main(["-q", "-p", "no:cacheprovider", "test_eval.py"])
print("status", int(status), "before", before > 0, "after", gc.get_freeze_count() > 0)
"""


@pytest.mark.parametrize(
    ("first", "while_it_runs", "expected"),
    [
        ("", "> 1000", "before False after False"),
        ("gc.freeze()", "> 1000", "before True after True"),
        ("gc.disable()", "== 0", "before False after False"),
    ],
)
def test_what_was_there_is_frozen_while_items_run(
    project: Project, first: str, while_it_runs: str, expected: str
) -> None:
    """It is given back at the end; who froze by himself, or stopped the collector, keeps that."""
    project.eval(_EVAL.format(while_it_runs))
    host = project.write("host.py", _HOST.format(first))
    result = project.pytester.runpython(host)
    result.stdout.fnmatch_lines([f"status 0 {expected}"])


def test_sessions_without_evals_freeze_nothing(project: Project) -> None:
    """Ordinary tests see the collector as it is."""
    project.write(
        "test_plain.py", "import gc\ndef test_it():\n    assert 0 == gc.get_freeze_count()\n"
    )
    project.run_apart("test_plain.py").assert_outcomes(passed=1)


_RING = """
class Ring:
    def __init__(self):
        self.itself = self

    def __del__(self):
        raise RuntimeError("could not let go")

@pytest.mark.ailoop(dataset="cases.jsonl")
def test_it(case):
    assert Ring()
"""


def test_a_finalizer_that_fails_in_a_ring_is_told(project: Project) -> None:
    """pytest finds what items made, at the session's end if not before."""
    project.eval(_RING)
    result = project.run_apart("-Werror", "-k", "sun")
    assert "Ring.__del__" in result.stdout.str() + result.stderr.str()
    assert 0 != result.ret
