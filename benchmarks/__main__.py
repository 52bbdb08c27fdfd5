"""What the plugin costs, each row against plain pytest in the same rounds: `python -m benchmarks`.

Needs an environment with the package installed; makes its projects in temporary folders.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import paired
from benchmarks.servers import counting_server

PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
# Other plugins' own start-up would only blur the difference.
ALONE = ["-p", "no:asyncio", "-p", "no:anyio", "-p", "no:randomly", "-p", "no:recording"]
ALONE += ["-p", "no:rerunfailures", "-p", "no:hypothesispytest", "-p", "no:timeout"]
PLAIN = [*PYTEST, *ALONE, "-p", "no:ailoop"]
OURS = [*PYTEST, *ALONE]


def idle(rounds: int) -> str:
    """One trivial test, the plugin installed and unused, against the same without entry point."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "test_one.py").write_text("def test_one():\n    pass\n", encoding="utf-8")
        pair = paired(OURS, PLAIN, folder=folder, rounds=rounds, env=BYTECODE)
    return f"idle: {pair.difference * 1000:+.1f} ms CPU over plain pytest (bound: 15)"


BYTECODE = {"PYTHONDONTWRITEBYTECODE": ""}


def collection(rounds: int, count: int = 10_000) -> str:
    """Collection of many cases from a JSONL file, against as many plain parametrized items."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = ({"id": f"case-{i}", "input": f"question {i}", "expected": i} for i in range(count))
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / "cases.jsonl").write_text(text, encoding="utf-8")
        (folder / "test_eval.py").write_text(EVAL_COLLECT, encoding="utf-8")
        (folder / "test_plain.py").write_text(PLAIN_COLLECT.format(count), encoding="utf-8")
        pair = paired(
            [*OURS, "--collect-only", "-qq", "test_eval.py"],
            [*PLAIN, "--collect-only", "-qq", "test_plain.py"],
            folder=folder,
            rounds=rounds,
            env=BYTECODE,
        )
    return f"collection of {count:,}: {pair.ratio:.2f} x plain parametrized items (bound: 2)"


EVAL_COLLECT = """
import pytest

@pytest.mark.ailoop(dataset="cases.jsonl")
def test_it(case):
    assert case
"""

PLAIN_COLLECT = """
import pytest

@pytest.mark.parametrize("case", [f"case-{{i}}" for i in range({0})])
def test_it(case):
    assert case
"""


def replay(rounds: int, count: int = 1000) -> str:
    """Items with one replayed call each, against as many plain items; the network is counted."""
    with tempfile.TemporaryDirectory() as name, counting_server() as server:
        folder = Path(name)
        rows = ({"id": f"case-{i}", "input": f"question {i}"} for i in range(count))
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / "cases.jsonl").write_text(text, encoding="utf-8")
        (folder / "test_eval.py").write_text(EVAL_REPLAY, encoding="utf-8")
        (folder / "test_plain.py").write_text(PLAIN_REPLAY.format(count), encoding="utf-8")
        (folder / "pyproject.toml").write_text(
            f'[tool.pytest.ini_options]\n[tool.ailoop.models.m]\nbase_url = "{server.url}"\n',
            encoding="utf-8",
        )
        environment = {**BYTECODE, "OPENAI_API_KEY": "sk-benchmark-only"}
        record = [*OURS, "--ailoop-replies=record", "test_eval.py"]
        paired(record, ["true"], folder=folder, rounds=0, env=environment)
        made = server.calls
        pair = paired(
            [*OURS, "--ailoop-replies=replay", "test_eval.py"],
            [*PLAIN, "test_plain.py"],
            folder=folder,
            rounds=rounds,
            env=environment,
        )
        extra = server.calls - made
    per_item = pair.difference / count * 1000
    return (
        f"replay of {count:,} calls: {per_item:.2f} ms CPU an item over plain pytest, the import "
        f"of openai in both (bound: 1.5); {extra} network calls (bound: 0)"
    )


EVAL_REPLAY = """
import openai
import pytest

@pytest.mark.ailoop(dataset="cases.jsonl", model="m")
async def test_it(case, llm):
    reply = await llm(case.input)
    assert reply.text
"""

PLAIN_REPLAY = """
import openai
import openai.types.chat
import pytest

@pytest.mark.parametrize("case", [f"case-{{i}}" for i in range({0})])
def test_it(case):
    assert case
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("rows", nargs="*", choices=["idle", "collection", "replay", []])
    chosen = parser.parse_args()
    for row in (idle, collection, replay):
        if not chosen.rows or row.__name__ in chosen.rows:
            print(row(chosen.rounds), flush=True)


if __name__ == "__main__":
    main()
