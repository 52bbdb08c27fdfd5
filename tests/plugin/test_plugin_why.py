"""Why a score moved: what the section and a gate's report say of what changed since."""

from __future__ import annotations

from typing import Any

import pytest

EVAL = """
import pathlib

@pytest.mark.ailoop(dataset="cases.jsonl", prompt="say.prompt.md", {gate})
def test_it(case, prompt):
    right = int(pathlib.Path(__file__).with_name("right.txt").read_text())
    expect(int(case.id[1:]) < right).to(equals(True))
"""


class Evals:
    """Forty cases of which the first so many pass, under a prompt."""

    def __init__(self, project: Any) -> None:
        self.project = project
        project.rows([{"id": f"c{n}", "input": "x"} for n in range(40)])
        project.write("say.prompt.md", "Say {{ input }}")

    def run(self, right: int, *args: str, gate: str = "") -> pytest.RunResult:
        self.project.eval(EVAL.format(gate=gate))
        self.project.write("right.txt", str(right))
        result: pytest.RunResult = self.project.run(*args)
        return result


@pytest.fixture
def evals(project: Any) -> Evals:
    return Evals(project)


def told(result: pytest.RunResult) -> str:
    """Return the output with its lines unwrapped."""
    return " ".join(" ".join(result.outlines).split())


def test_a_changed_prompt_is_named_below_the_row(evals: Evals, workers: tuple[str, ...]) -> None:
    """Where a score moved, the row says what changed since the baseline."""
    evals.run(40, "--snapshot-update")
    evals.project.write("say.prompt.md", "Tell {{ input }}")
    result = evals.run(38, *workers)
    words = ". changed since the baseline: prompt say (40 of 40 cases)"
    assert words in told(result)
    assert words not in told(evals.run(40, *workers))


def test_the_gate_says_it_once(evals: Evals, workers: tuple[str, ...]) -> None:
    """Under a comparison the line stands at the gate, with the flipped cases, worst first."""
    evals.run(40, "--snapshot-update", gate="gate=[no_regression(0.05)]")
    result = evals.run(20, *workers, gate="gate=[no_regression(0.05)]")
    shown = told(result)
    assert 2 == shown.count("nothing of ours changed since the baseline: same prompts, checks")
    assert ". nothing of ours" not in shown
    assert "fell: c20 1 -> 0, c21 1 -> 0," in shown
    (found,) = evals.project.run_json()["gates"]
    assert 2 == len(found["since"])
    assert ["c20", 1.0, 0.0] == found["facts"]["fell"][0]


def test_the_parameters_of_a_model_are_part_of_what_is_asked(project: Any) -> None:
    """Another temperature in the configuration is named; another port would not be."""
    source = EVAL.format(gate='model="mini"').replace("(case, prompt)", "(case, prompt, model)")
    project.eval(source)
    project.rows([{"id": f"c{n}", "input": "x"} for n in range(3)])
    project.write("say.prompt.md", "Say {{ input }}")
    for temperature, right in ((0, 3), (1, 2)):
        project.write("right.txt", str(right))
        config = f"[models.mini]\nparameters = {{temperature = {temperature}}}\n"
        project.write("ailoop.toml", config)
        result = project.run(*(["--snapshot-update"] if right == 3 else []))
    words = "changed since the baseline: name or parameters of the model mini (3 of 3 cases)"
    assert words in told(result)
    assert '"asked": {"mini": "' in project.baseline().read_text()
