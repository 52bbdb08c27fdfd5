"""`ailoop init`: a first eval that runs, without a key and without a model. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from pytest_ailoop.cli.console import show_lines
from pytest_ailoop.errors import UsageError

__all__ = ["add"]

TEST = '''"""A first eval: each row of first.jsonl becomes one test."""

import pytest

from pytest_ailoop import contains, expect


def answer(question: str) -> str:
    """The system under test. Put your own here: import it from your application.

    Whatever it asks of a model through an OpenAI-compatible client is recorded and replayed.
    """
    if "refund" in question.lower():
        return "You can ask for a refund within 30 days."
    return "Our support is open from 9:00 to 17:00."


@pytest.mark.ailoop(dataset="first.jsonl")
def test_first(case):
    expect(answer(case.input)).to(contains(case.expected))


# With a model in place of answer(), over the prompt file beside this one:
#
# @pytest.mark.ailoop(dataset="first.jsonl", model="gpt-5-mini", prompt="first.prompt.md")
# async def test_model(case, llm, prompt):
#     reply = await llm(prompt.render(question=case.input))
#     expect(reply).to(contains(case.expected))
'''

CASES = """\
{"id": "refund-late", "input": "I bought this 40 days ago. Refund?", "expected": "30 days"}
{"id": "refund-soon", "input": "How do I get a refund?", "expected": "refund"}
{"id": "hours", "input": "When can I call you?", "expected": "9:00"}
"""

PROMPT = """\
---
temperature: 0
---
system:
You answer for a shop. Refunds are possible within 30 days. Support is open from 9:00 to 17:00.
Answer in one sentence.

user:
{{ question }}
"""

FILES = {"test_first.py": TEST, "first.jsonl": CASES, "first.prompt.md": PROMPT}


def add(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("init", help="write a first eval that runs")
    parser.add_argument("folder", nargs="?", default="evals", metavar="FOLDER")
    parser.set_defaults(run_command=init)


def init(options: argparse.Namespace) -> int:
    """Write the files; raises `UsageError` where one of them is there already."""
    folder = Path(options.folder)
    there = [name for name in FILES if (folder / name).exists()]
    if there:
        name = (folder / there[0]).as_posix()
        raise UsageError(
            f"{name} is there already; nothing was written. Another folder: ailoop init FOLDER"
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in FILES.items():
        # Exclusive: a file that came in between is not overwritten either.
        with open(folder / name, "x", encoding="utf-8", newline="\n") as stream:
            stream.write(content)
    shown = folder.as_posix()
    show_lines(
        [
            *((f"wrote {shown}/{name}", {}) for name in FILES),
            (f"next: pytest {shown}  (runs it; no key needed)", {}),
            (f"next: pytest {shown} --snapshot-update  (accepts the scores as baseline)", {}),
        ]
    )
    return 0
