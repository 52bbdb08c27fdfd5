"""Replay without a key: clients are built, and the environment of other tests stays as it is."""

from __future__ import annotations

from typing import Any

import pytest

APP = "import os, openai\nseen = os.environ.get('OPENAI_API_KEY')\nclient = openai.OpenAI()\n"
EVAL = """
import pytest
from pytest_ailoop import *
import app, os

def test_ordinary():
    assert "OPENAI_API_KEY" not in os.environ

@pytest.mark.ailoop
def test_it():
    assert os.environ["OPENAI_API_KEY"] and openai_client()

def openai_client():
    import openai
    return openai.OpenAI()
"""
PLAIN = """
import os
SEEN = os.environ.get("OPENAI_API_KEY")

def test_it():
    assert SEEN is None
    assert "OPENAI_API_KEY" not in os.environ
"""


@pytest.fixture
def modules(project: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An eval module whose application builds its client at import, between two plain ones."""
    project.write("app.py", APP)
    project.write("test_b_eval.py", EVAL)
    project.write("test_a_plain.py", PLAIN)
    project.write("test_c_plain.py", PLAIN)
    monkeypatch.syspath_prepend(str(project.path))
    return project


def test_ci_builds_clients_and_changes_no_other_test(modules, monkeypatch, workers):
    """Under CI's default a client is built at import without a key, and no ordinary test sees the
    stand-in: neither at import, nor in the same module, nor after an eval."""
    monkeypatch.setenv("CI", "true")
    modules.run("-p", "no:randomly", *workers).assert_outcomes(passed=4)


def test_outside_of_ci_a_missing_key_stays_missing(modules):
    """Where calls may go live, a client without a key says so at once."""
    result = modules.run("test_b_eval.py")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*OpenAIError*"])


def test_replay_asked_for_covers_conftest_too(modules, monkeypatch):
    """Where replay was asked for in so many words, also a conftest builds its client; after the
    session the environment is as it was."""
    import os

    modules.write("conftest.py", "import app\n")
    (modules.path / "test_a_plain.py").unlink()
    (modules.path / "test_c_plain.py").unlink()
    modules.write("test_b_eval.py", EVAL.replace('"OPENAI_API_KEY" not in os', "os"))
    modules.run("--ailoop-replies=replay").assert_outcomes(passed=2)
    assert "OPENAI_API_KEY" not in os.environ
    monkeypatch.setenv("AILOOP_REPLIES", "replay")
    modules.run().assert_outcomes(passed=2)
    assert "OPENAI_API_KEY" not in os.environ


def test_a_key_that_is_set_stays(modules, monkeypatch):
    """A real key is never replaced by the stand-in."""
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-mine-of-all-keys")
    modules.write(
        "test_b_eval.py",
        "import app, os, pytest\n"
        "@pytest.mark.ailoop\n"
        "def test_it():\n"
        "    assert app.seen == os.environ['OPENAI_API_KEY'] == 'sk-mine-of-all-keys'\n",
    )
    modules.run("test_b_eval.py").assert_outcomes(passed=1)


def test_keys_of_configured_models_are_not_needed_either(project, monkeypatch):
    """The variables that models name are stood in for as well, while an eval runs."""
    monkeypatch.setenv("CI", "true")
    project.write("pyproject.toml", '[tool.ailoop.models.m]\napi_key_env = "MY_MODEL_KEY"\n')
    project.eval(
        "import os\n"
        "@pytest.mark.ailoop\n"
        "def test_it():\n"
        "    assert os.environ['MY_MODEL_KEY']\n"
        "def test_ordinary():\n"
        "    assert 'MY_MODEL_KEY' not in os.environ\n"
    )
    project.run().assert_outcomes(passed=2)
