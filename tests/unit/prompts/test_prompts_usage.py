"""What a test function's source tells about the values its prompt gets."""

from __future__ import annotations

import pytest

from pytest_ailoop.data.case import Case
from pytest_ailoop.prompts.prompt import Prompt
from pytest_ailoop.prompts.template import compile_part
from pytest_ailoop.prompts.usage import RenderCall, lacking, render_calls


def call(*names: str, line: int = 2, with_case: bool = False, open: bool = False) -> RenderCall:
    return RenderCall(line=line, names=frozenset(names), with_case=with_case, open=open)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("llm(prompt.render(question=case.input, lang='de'))", (call("question", "lang"),)),
        ("prompt.render()", (call(),)),
        ("prompt.render(case)", (call(with_case=True),)),
        ("prompt.render(case, extra=1)", (call("extra", with_case=True),)),
        ("prompt.render(**case.row)", (call(open=True),)),
        ("prompt.render(a=1, **case.row)", (call("a", open=True),)),
        ("prompt.render(other)", (call(open=True),)),
        ("prompt.render(*values)", (call(open=True),)),
        ("prompt.render(a=1)\n    prompt.render(b=2)", (call("a"), call("b", line=3))),
        ("other.render(a=1)", ()),
        ("prompt.other(a=1)", ()),
        ("prompt.render", ()),
        ("x = prompt\n    x.render(b=1)\n    prompt.render(a=1)", ()),
        ("ask(prompt)\n    prompt.render(a=1)", ()),
        ("prompt = make()\n    prompt.render(a=1)", ()),
        ("not python (", ()),
    ],
)
def test_calls_in_source(body: str, expected: tuple[RenderCall, ...]) -> None:
    """Calls of `prompt.render` are read with their keywords; where they may hide, none is."""
    source = f"async def test_a(case, llm, prompt):\n    {body}"
    assert expected == render_calls(source)


def test_the_source_of_a_method_is_read_too() -> None:
    """Source that is indented as a whole is read like any other."""
    source = "    def test_a(self, prompt):\n        prompt.render(a=1)\n"
    assert render_calls(source) == (call("a"),)


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        ((), ()),
        ((call("question", "lang"),), ()),
        ((call("question"),), ("lang",)),
        ((call(),), ("lang", "question")),
        ((call(open=True),), ()),
        ((call(), call(open=True)), ()),
        ((call(with_case=True),), ("lang",)),
        ((call("lang", with_case=True),), ()),
        ((call("a"), call("question")), ("lang",)),
        ((call("a"), call("question", "lang")), ()),
    ],
)
def test_lacking(calls: tuple[RenderCall, ...], expected: tuple[str, ...]) -> None:
    """What no call gives is missing; one fitting call, or one that hides its values, is enough."""
    part = compile_part("{{ question }} {{ lang }}", path="p.md", line=1)
    made = Prompt(name="p", path="p.md", digest="d", text="", parts=(("user", part),))
    assert expected == lacking(made, calls, Case(id="c", input="x", row={"question": "x"}))
