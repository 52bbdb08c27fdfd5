"""An eval whose cases ask a priced model once: two words, and so $0.20 a call."""

from __future__ import annotations

from typing import Any

__all__ = ["ASK", "TABLE", "ask"]

TABLE = """
[tool.ailoop.models.m]
model = "fake"
base_url = "{url}"
price = {{ input = 100000.0, output = 0.0 }}
"""

ASK = """
@pytest.mark.ailoop(dataset="cases.jsonl", model="m")
async def test_it(case, llm):
    expect(await llm(f"what {case.input}")).to(contains(case.input))
"""


def ask(project: Any, url: str, *, cases: int, table: str = TABLE, text: str = ASK) -> None:
    """Write the eval, a priced model at *url* and so many *cases* into *project*."""
    project.write("pyproject.toml", table.format(url=url))
    project.rows([{"id": f"c{n:02}", "input": f"q{n:02}"} for n in range(cases)])
    project.eval(text)
