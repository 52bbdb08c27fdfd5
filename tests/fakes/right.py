"""Evals of which the first so many cases are right, and how often is set from run to run."""

from __future__ import annotations

from typing import Any

import pytest

__all__ = ["Evals", "told"]

EVAL = """
import pathlib

@pytest.mark.ailoop(dataset="cases.jsonl", {marker})
def test_it({takes}):
    right = int(pathlib.Path(__file__).with_name("right.txt").read_text())
    expect(int(case.id[1:]) < right).to(equals(True))
"""


class Evals:
    """A test over so many cases; *axes* are further words of its marker, *takes* its arguments."""

    def __init__(
        self, project: Any, *, cases: int = 60, axes: str = "", takes: str = "case"
    ) -> None:
        self.project, self._axes, self._takes = project, axes, takes
        project.rows([{"id": f"c{n}", "input": "x"} for n in range(cases)])
        self.write()

    def write(self, gate: str = "") -> None:
        """Write the test, under a gate or none."""
        marker = ", ".join(filter(None, [self._axes, gate and f"gate=[{gate}]"]))
        self.project.eval(EVAL.format(marker=marker, takes=self._takes))

    def run(self, right: int, *args: str) -> pytest.RunResult:
        """Run pytest; the first *right* cases pass, the others fail."""
        self.project.write("right.txt", str(right))
        result: pytest.RunResult = self.project.run(*args)
        return result

    def status(self) -> str:
        """Return what the only gate of the last run decided."""
        (found,) = self.project.run_json()["gates"]
        return str(found["status"])

    def kept(self) -> str:
        """Return the committed baseline."""
        text: str = self.project.baseline().read_text()
        return text


def told(result: pytest.RunResult) -> str:
    """Return the output with its lines unwrapped."""
    return " ".join(" ".join(result.outlines).split())
