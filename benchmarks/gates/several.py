"""Several evals under one gate, a module each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from benchmarks.gates.sessions import Project

__all__ = ["Several"]

EVAL = """
import pytest
from benchmarks.gates import system as scripted
from pytest_ailoop import contains, expect


@pytest.mark.ailoop(dataset="{data}.jsonl", params={{"system": {systems!r}}})
async def test_{name}(case, system):
    expect(scripted.answer(case.id, {turn!r}, {which})).to(contains("right"))
"""


class Several(Project):
    """As many *tests* as asked for, under *gates* of the configuration over all of them together.

    Each test has rows of its own, and answers that know nothing of those to another's: `s0 t2` is
    the first system in the third test. Where they are *shared*, all tests have the same rows, and
    a row is as hard in each of them. *gates* are lines of TOML by the names of their tables.
    """

    def __init__(
        self,
        folder: Path,
        gates: Mapping[str, str],
        *,
        tests: int,
        cases: int,
        systems: int = 1,
        shared: bool = False,
    ) -> None:
        super().__init__(folder)
        over_all = 'tests = ["test_*"]\ntogether = true'
        tables = (f"[gates.{name}]\n{over_all}\n{asks}\n" for name, asks in gates.items())
        self.write("ailoop.toml", "\n".join(tables))
        for at in range(tests):
            data = "cases" if shared else f"cases{at}"
            self.rows(data, cases)
            text = EVAL.format(
                name=f"t{at}",
                data=data,
                systems=[f"s{number}" for number in range(systems)],
                # Which of the answers to a row it is; trials have numbers, too.
                turn=at + 1 if shared else 1,
                which="system" if shared else f'f"{{system}} t{at}"',
            )
            self.write(f"{self.module}_t{at}.py", text)
