"""With pytest's own switches: plugins of its own taken away, ways to look without running."""

from __future__ import annotations

import openai  # noqa: F401  (stays imported between the runs in this process)
import pytest

from pytest_ailoop import recorder

EVAL = """
import logging

@pytest.mark.ailoop(dataset="cases.jsonl")
def test_eval(case):
    print("printed by", case.id)
    logging.getLogger("app").warning("logged by %s", case.id)
    record("length", len(case.input))
    expect(case.input).to(contains("the"))

def test_ordinary():
    pass
"""


def files(project) -> list[str]:
    """Return what a run left beside the project's own files."""
    mine = {"cases.jsonl", "test_eval.py", "pytest.ini"}
    return sorted(
        path.name
        for path in project.path.iterdir()
        if path.name not in mine and path.name != "__pycache__"
    )


@pytest.mark.parametrize(
    "switches",
    [
        ["-p", "no:cacheprovider"],
        ["-p", "no:junitxml"],
        ["-p", "no:logging"],
        ["-p", "no:xdist"],
        ["-p", "no:faulthandler"],
        ["-p", "no:unraisableexception", "-p", "no:threadexception"],
        ["-p", "no:warnings"],
        ["-p", "no:tmpdir", "-p", "no:doctest", "-p", "no:unittest", "-p", "no:stepwise"],
        ["--capture=no"],
        ["--capture=sys"],
        ["--capture=tee-sys"],
        ["--strict-markers", "--strict-config"],
        ["--durations=3", "-vv"],
        ["-q"],
        ["--no-header", "--no-summary"],
        ["--tb=no"],
        ["--tb=native", "-l"],
        ["--import-mode=importlib"],
        ["--import-mode=append"],
        ["--show-capture=no", "-rA"],
        ["--assert=plain"],
        ["--color=yes"],
        ["--runxfail"],
        ["--full-trace"],
    ],
    ids=" ".join,
)
def test_measures_the_same(project, switches):
    """The switch changes how a run looks, not what it measures."""
    project.eval(EVAL)
    project.run(*switches, "-W", "error").assert_outcomes(passed=3, failed=1)
    assert [row["outcome"] for row in project.results()] == ["passed", "passed", "failed"]
    assert [len(row["scores"]) for row in project.results()] == [3, 3, 3]


def test_without_the_terminal_plugin(project):
    """`-p no:terminal` shows nothing; the run is measured, accepted and kept all the same."""
    project.eval(EVAL)
    result = project.run("-p", "no:terminal", "--ailoop-accept=new")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert [row["outcome"] for row in project.results()] == ["passed", "passed", "failed"]
    assert project.baseline().exists()


@pytest.mark.parametrize(
    "ini", ["strict = true", "strict_parametrization_ids = true", "xfail_strict = true"]
)
def test_strict(project, ini):
    """All of pytest 9's strictness leaves an eval as it is."""
    project.write("pytest.ini", f"[pytest]\n{ini}\nailoop_split = dev\n")
    project.eval(EVAL)
    project.run().assert_outcomes(passed=3, failed=1)


@pytest.mark.parametrize(
    "switches",
    [
        ["--collect-only"],
        ["--collect-only", "-q"],
        ["--setup-plan"],
        ["--setup-only"],
        ["--fixtures"],
        ["--fixtures-per-test"],
        ["--markers"],
        ["--help"],
        ["--version"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("accepting", [(), ("--snapshot-update",)], ids=["", "accepting"])
def test_looking_without_running(project, switches, accepting):
    """A look leaves no file and no baseline, and is no run that missed its items."""
    project.eval(EVAL)
    result = project.run(*switches, *accepting, "-W", "error")
    assert result.ret == pytest.ExitCode.OK
    assert files(project) == []
    result.stdout.no_fnmatch_line("*incomplete*")
    result.stdout.no_fnmatch_line("*without a result*")


def test_collect_only_names_the_items(project):
    """`--collect-only -q` prints node ids that can be given back."""
    project.eval(EVAL)
    result = project.run("--collect-only", "-q")
    names = [line for line in result.outlines if "::" in line]
    assert names == [
        *(f"test_eval.py::test_eval[{name}]" for name in ("sun", "moon", "mars")),
        "test_eval.py::test_ordinary",
    ]
    project.run(names[1]).assert_outcomes(passed=1)
    assert [row["key"]["case"] for row in project.results()] == ["moon"]


def test_captured_output_belongs_to_its_item(project):
    """What an eval prints and logs is shown with its failure, and not among our own lines."""
    project.eval(EVAL)
    result = project.run()
    result.stdout.fnmatch_lines(["*Captured stdout call*", "printed by mars"])
    result.stdout.fnmatch_lines(["*Captured log call*", "*logged by mars*"])
    result.stdout.no_fnmatch_line("printed by sun")


LLM = """
import asyncio
import openai
client = openai.AsyncOpenAI()

@pytest.mark.ailoop(dataset="cases.jsonl", model="m")
async def test_async(case, llm, model):
    reply = await llm(case.input)
    async for _ in llm.stream(case.input):
        pass
    asked = [{"role": "user", "content": case.id}]
    await client.chat.completions.create(model=model, messages=asked)
    await expect(reply).to(judge("Is it polite?", model="m"))
    await asyncio.gather(*(llm(f"{case.id} {number}") for number in range(3)))

@pytest.mark.ailoop(model="m")
async def test_cut_short(llm):
    async for _ in llm.stream("cut short"):
        break
    record("cut", 1)

@pytest.mark.ailoop(dataset="cases.jsonl", model="m")
def test_sync(case, llm):
    expect(llm(case.input)).to(judge("Is it polite?", model="m"))
    with_threads = asyncio.run(asyncio.to_thread(llm, "threads"))
    assert with_threads.text
"""


def test_nothing_warns_to_the_end_of_the_process(project, known_server, monkeypatch):
    """With all warnings made errors, also Python's own: calls live and replayed leave none."""
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    monkeypatch.setenv("PYTHONDEVMODE", "1")
    project.eval(LLM)
    for replies in ("record", "replay"):
        every = ("-k", "not cut_short") if replies == "replay" else ()
        result = project.run_apart("-W", "error", f"--ailoop-replies={replies}", *every)
        assert result.parseoutcomes()["passed"] == (6 if every else 7)
        assert result.ret == 0
        assert result.stderr.str().strip() == ""
        result.stdout.no_fnmatch_line("*Warning*")


def test_an_interrupted_item_is_closed(project):
    """After an exit in the middle, nothing belongs to the item that was cut off."""
    project.eval(
        """
@pytest.mark.ailoop(dataset="cases.jsonl")
def test_it(case):
    if case.id == "moon":
        pytest.exit("stop")
    assert case
"""
    )
    result = project.run()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*incomplete*"])
    assert recorder.current() is None
