"""Files that cannot be written at the end of a run: told, red, and no traceback."""

from __future__ import annotations

import pytest

from tests.fakes.openai_server import FakeServer


@pytest.fixture
def asking(project):
    with FakeServer() as server:
        project.write(
            "ailoop.toml", f'[models.fake]\nmodel = "fake-1"\nbase_url = "{server.url}"\n'
        )
        project.eval(
            "@pytest.mark.ailoop(dataset='cases.jsonl', model='fake')\n"
            "def test_it(case, llm):\n    expect(llm(case.input)).to(contains(case.input))\n"
        )
        yield project


def test_recordings_that_cannot_be_written_are_told(asking):
    """The summary comes all the same, and the run is red."""
    asking.write("__recordings__", "a file where the folder would be")
    result = asking.run("--ailoop-replies=record")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["! the recordings could not be written: *", "*3 passed*"])
    assert "Traceback" not in result.stdout.str() + result.stderr.str()


def test_a_damaged_recording_is_not_written_over_by_a_part(asking):
    """A run that measured a part would lose the rest of the damaged file."""
    path = asking.write("__recordings__/test_eval.jsonl", "<<<<<<< HEAD\n")
    result = asking.run("--ailoop-replies=record", "--ailoop-case=sun")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        ["! the recordings could not be written: __recordings__/test_eval.jsonl:1: a*"]
    )
    assert path.read_text("utf-8") == "<<<<<<< HEAD\n"
