"""Projects with evals to measure, and the commands that run them."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import bare
from benchmarks.measure import Used, run

__all__ = ["APP", "JUDGED", "LLM", "POOL", "Project", "plain_command", "run_bare"]

PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
# Other plugins' own start-up would only blur the difference.
_OTHERS = ("asyncio", "anyio", "randomly", "recording", "rerunfailures", "hypothesispytest")
ALONE = [part for name in (*_OTHERS, "timeout") for part in ("-p", f"no:{name}")]

LLM = """
@pytest.mark.ailoop(dataset="cases.jsonl", model="bench")
async def test_{0}(case, llm):
    reply = await llm(case.input)
    expect(reply).to(contains("answer"))
"""

JUDGED = """
@pytest.mark.ailoop(dataset="cases.jsonl", model="bench")
async def test_{0}(case, llm):
    reply = await llm(case.input)
    expect(reply).to(contains("answer"))
    await expect(reply).to(judge("Is the answer polite?"))
"""

APP = """
client = openai.AsyncOpenAI(base_url=URL, api_key="any")

async def answer(question):
    messages = [{{"role": "user", "content": question}}]
    reply = await client.chat.completions.create(model="bench", messages=messages)
    return reply.choices[0].message.content

@pytest.mark.ailoop(dataset="cases.jsonl")
async def test_{0}(case):
    expect(await answer(case.input)).to(contains("answer"))
"""

POOL = """
client = openai.OpenAI(base_url=URL, api_key="any")

def answer(question):
    messages = [{{"role": "user", "content": question}}]
    reply = client.chat.completions.create(model="bench", messages=messages)
    return reply.choices[0].message.content

@pytest.mark.ailoop(dataset="cases.jsonl")
def test_{0}(case):
    expect(answer(case.input)).to(contains("answer"))
"""

_PLAIN = """
import pytest
{1}

@pytest.mark.parametrize("case", [f"case-{{i}}" for i in range({0})])
def test_it(case):
    assert case
"""

_CONFIG = """
[tool.pytest.ini_options]

[tool.ailoop]
judge = "bench"

[tool.ailoop.models.bench]
base_url = "{url}"
price = {{ input = 1.0, output = 1.0 }}
"""


class Project:
    """A folder with a data set of *count* cases and one eval, or *functions* of them.

    *model* adds lines to the model's table.
    """

    def __init__(
        self,
        folder: Path,
        url: str,
        body: str,
        count: int,
        *,
        functions: int = 1,
        model: str = "",
    ) -> None:
        self.folder = folder
        rows = ({"id": f"case-{i}", "input": bare.question(i)} for i in range(count))
        self.rows(rows)
        head = "import pytest\nfrom pytest_ailoop import contains, expect, judge\n"
        if "openai." in body:
            head += f"import openai\nURL = {url!r}\n"
        self.write("test_eval.py", head + "".join(body.format(i) for i in range(functions)))
        self.write("pyproject.toml", _CONFIG.format(url=url) + model)

    def rows(self, rows: object) -> None:
        """Write the data set anew."""
        self.write("cases.jsonl", "".join(json.dumps(row) + "\n" for row in rows))  # type: ignore[attr-defined]

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def command(self, *further: str, concurrency: int | None = None) -> list[str]:
        limit = [] if concurrency is None else [f"--ailoop-concurrency={concurrency}"]
        return [*PYTEST, *ALONE, *limit, *further, "test_eval.py"]

    def forget(self) -> None:
        """Throw the cache and the kept runs away, so that the next run asks everything."""
        shutil.rmtree(self.folder / ".ailoop", ignore_errors=True)

    def run(
        self,
        *further: str,
        concurrency: int | None = None,
        again: bool = False,
        codes: Sequence[int] = (0,),
    ) -> Used:
        """Run the evals with nothing cached; *again* with what the last run left."""
        if not again:
            self.forget()
        return run(self.command(*further, concurrency=concurrency), self.folder, codes=codes)

    @property
    def kept(self) -> Path:
        """The folder of the last run."""
        return max((self.folder / ".ailoop" / "runs").iterdir())

    def results(self) -> list[dict[str, object]]:
        """Return the records of the last run, without what a clock measured."""
        lines = (self.kept / "results.jsonl").read_text(encoding="utf-8").splitlines()
        found = [json.loads(line) for line in lines]
        for record in found:
            for call in record["calls"]:
                call.update(latency=None, first_token=None)
        return found


def plain_command(folder: Path, count: int, imports: str = "") -> list[str]:
    """Write as many ordinary parametrized tests; return the command that runs them without us."""
    (folder / "test_plain.py").write_text(_PLAIN.format(count, imports), encoding="utf-8")
    return [*PYTEST, *ALONE, "-p", "no:ailoop", "test_plain.py"]


def run_bare(folder: Path, kind: str, url: str, count: int, concurrency: int) -> Used:
    """Run the script that does the same calls without any tool."""
    script = str(Path(bare.__file__))
    return run([sys.executable, script, kind, url, str(count), str(concurrency)], folder)
