"""An eval whose cases ask a priced model once and a priced judge once."""

from __future__ import annotations

from typing import Any

from tests.fakes import priced

__all__ = ["ASK", "ask"]

TABLE = (
    priced.TABLE
    + """
[tool.ailoop.models.dear]
model = "dear"
base_url = "{url}"
price = {{ {price} }}
"""
)

ASK = """
@pytest.mark.ailoop(dataset="cases.jsonl", model="m")
def test_it(case, llm):
    expect(llm(f"what {case.id}")).to(contains(case.id))
    expect(case.input).to(judge("is it one?", model="dear"), at_least=0)
"""


def ask(project: Any, url: str, *, price: str, text: str = ASK) -> None:
    """Write the eval into *project*; *price* is the judge's, as the table has it."""
    project.write("pyproject.toml", TABLE.format(url=url, price=price))
    project.eval(text)
