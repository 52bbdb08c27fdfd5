"""What collection refuses, and whether a person can tell where."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    "keywords",
    [
        "dataset=3",
        "dataset='cases.jsonl', fields={'inputt': 'x'}",
        "dataset='cases.jsonl', params={'trial': [1]}",
        "dataset='cases.jsonl', params={'x': [1, 1.0]}",
        "dataset='cases.jsonl', trials=0",
        "dataset='cases.jsonl', datset='x'",
    ],
)
def test_a_usage_fault_names_its_test_once(project, keywords, workers):
    """Whatever is wrong with a marker, the message begins with the test that bears it."""
    project.eval(f"@pytest.mark.ailoop({keywords})\ndef test_it(case): assert case\n")
    result = project.run(*workers)
    shown = result.stdout.str() + result.stderr.str()
    assert "test_eval.py::test_it: " in shown
    assert "test_it: test_eval.py" not in shown
