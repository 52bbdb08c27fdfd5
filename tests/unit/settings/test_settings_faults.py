"""Tables that are refused, and keys that must not stand in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ailoop import redaction
from tests.unit.settings.files import refusal

KNOWN = (
    "api_key_env, base_url, concurrency, first_byte_timeout, model, parameters, price, rpm,"
    " timeout, tpm"
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "jugde = 'a'",
            "ailoop.toml: unknown key 'jugde'; did you mean 'judge'? "
            "(known: accepted_failures, gates, judge, models, recordings, slices)",
        ),
        (
            "[models.mini]\nbase_ulr = 'x'",
            "ailoop.toml [models.mini]: unknown key 'base_ulr'; did you mean 'base_url'? "
            f"(known: {KNOWN})",
        ),
        (
            "[models.mini]\ntemperature = 0",
            f"ailoop.toml [models.mini]: unknown key 'temperature' (known: {KNOWN})",
        ),
        (
            "[models.mini.price]\ninputs = 1\noutput = 1",
            "ailoop.toml [models.mini.price]: 'input' is missing\n"
            "ailoop.toml [models.mini.price]: unknown key 'inputs'; did you mean 'input'? "
            "(known: cached_input, input, output)",
        ),
        (
            "[recordings]\nignore = []",
            "ailoop.toml [recordings]: unknown key 'ignore'; did you mean 'ignore_fields'? "
            "(known: ignore_fields, passthrough)",
        ),
        (
            "[tool.ailoop]\njudge = 'a'",
            "ailoop.toml: 'tool': tables of ailoop.toml stand at the top, as in [models.mini]",
        ),
        (
            "judge = 3",
            "ailoop.toml: 'judge': expected a text, got 3",
        ),
        (
            "judge = ' '",
            "ailoop.toml: 'judge': expected a name, got an empty or unprintable text, got ' '",
        ),
        (
            "[models.'a b']",
            "ailoop.toml [models]: 'a b': an alias consists of letters, digits, '_', '.' and '-'",
        ),
        ("models = 1", "ailoop.toml: 'models': expected a table, got 1"),
        (
            "[models]\nmini = 'gpt'",
            "ailoop.toml [models]: 'mini': expected a table, got 'gpt'",
        ),
        (
            "[models.m]\nprice = {input = -1, output = '1'}",
            "ailoop.toml [models.m.price]: 'input': expected a number from 0 on, got -1\n"
            "ailoop.toml [models.m.price]: 'output': expected a number, got '1'",
        ),
        (
            "[models.m]\nrpm = 0\ntpm = 1.5\nconcurrency = '8'\ntimeout = 0\n"
            "first_byte_timeout = 90000",
            "ailoop.toml [models.m]: 'rpm': expected a number above 0, got 0\n"
            "ailoop.toml [models.m]: 'tpm': expected a whole number, got 1.5\n"
            "ailoop.toml [models.m]: 'concurrency': expected a whole number, got '8'\n"
            "ailoop.toml [models.m]: 'timeout': expected a number above 0, got 0\n"
            "ailoop.toml [models.m]: 'first_byte_timeout': expected at most a day (86400 seconds),"
            " got 90000",
        ),
        (
            "[models.m]\ntimeout = 20\nfirst_byte_timeout = 30",
            "ailoop.toml [models.m]: 'first_byte_timeout': expected at most timeout, which is 20: "
            "a reply is cut then, begun or not; lower it, or raise timeout, got 30",
        ),
        (
            "[models.m]\nfirst_byte_timeout = 150.5",
            "ailoop.toml [models.m]: 'first_byte_timeout': expected at most timeout, which is 120: "
            "a reply is cut then, begun or not; lower it, or raise timeout, got 150.5",
        ),
        (
            "[models.m]\nprice = {input = inf, output = 1}",
            "ailoop.toml [models.m.price]: 'input': expected a finite number, got inf",
        ),
        (
            "[models.m]\nparameters = {temperature = nan}",
            "ailoop.toml [models.m]: 'parameters': "
            "expected JSON values: nan and inf cannot be sent",
        ),
        (
            "[models.m]\nparameters = {since = 2024-01-01}",
            "ailoop.toml [models.m]: 'parameters': expected JSON values: no dates and times",
        ),
        (
            "[models.m]\nbase_url = 'localhost:8080/v1'",
            "ailoop.toml [models.m]: 'base_url': expected a URL such as http://127.0.0.1:8080/v1",
        ),
        (
            "[models.m]\nbase_url = 'http://[::1/v1'",
            "ailoop.toml [models.m]: 'base_url': expected a URL such as http://127.0.0.1:8080/v1",
        ),
        (
            "[recordings]\npassthrough = ['localhost', 'http://a.test/']",
            "ailoop.toml [recordings]: 'passthrough[1]': "
            "expected 'host' or 'host:port', without http:// and path, got 'http://a.test/'",
        ),
        (
            "[recordings]\nignore_fields = ['a..b']",
            "ailoop.toml [recordings]: 'ignore_fields[0]': "
            "expected a request field such as 'user' or 'metadata.request_id', got 'a..b'",
        ),
        (
            "[gates.release]\npass_rates = 0.9\nno_regression = 'no'",
            "ailoop.toml [gates.release]: 'no_regression': "
            "expected a margin, or a table of margins by score: { polite = 0.05, "
            "words = { margin = 2, range = [0, 50] } }, got 'no'\n"
            "ailoop.toml [gates.release]: unknown key 'pass_rates'; did you mean 'pass_rate'? "
            "(known: confidence, every_case, fixed, inconclusive, max_cost, mean, metric, "
            "no_regression, p95_latency, pass_rate, reduce, tag, tests, together)",
        ),
        (
            "[[accepted_failures]]\ncase = 'a'\nreason = 'b'\nowner = 'c'\nexpires = '2030-12-31'",
            "ailoop.toml [accepted_failures[0]]: 'expires': "
            "expected a date without quotes, like 2030-12-31, got '2030-12-31'",
        ),
        (
            "[[accepted_failures]]\ncase = 'a'\nreason = 'b'\nexpires = 2030-12-31",
            "ailoop.toml [accepted_failures[0]]: 'owner' is missing",
        ),
    ],
)
def test_wrong_tables_are_refused(tmp_path: Path, text: str, message: str) -> None:
    """Each fault names file, table and key, what was expected and what was got."""
    assert message == refusal(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = 1\nb = \n", "ailoop.toml:2: not TOML: Invalid value in column 5"),
        ("[models.m", "ailoop.toml: not TOML: Expected ']' at the end of a table declaration "
                      "(at end of document)"),
        ("a = 1\na = 2\n", "ailoop.toml:2: not TOML: Cannot overwrite a value in column 6"),
        (b"# \xe9\n", "ailoop.toml:1: not UTF-8: byte 0xe9; save the file as UTF-8"),
        (b"#\n\xff\xfea", "ailoop.toml:2: not UTF-8: byte 0xff; save the file as UTF-8"),
    ],
)  # fmt: skip
def test_what_is_no_toml_is_refused_with_its_line(
    tmp_path: Path, text: str | bytes, message: str
) -> None:
    """A syntax or encoding fault names the file and, where it has one, the line."""
    assert message == refusal(tmp_path, text)


def test_pyproject_faults_name_the_whole_table(tmp_path: Path) -> None:
    """In pyproject.toml the table's path begins with tool.ailoop."""
    found = refusal(tmp_path, "[tool.ailoop.models.mini]\nmodle = 'x'", "pyproject.toml")
    assert found.startswith(
        "pyproject.toml [tool.ailoop.models.mini]: unknown key 'modle'; did you mean 'model'?"
    )
    found = refusal(tmp_path, "[tool]\nailoop = 3", "pyproject.toml")
    assert found == "pyproject.toml [tool.ailoop]: expected a table"


CANARY = "sk-canary-0123456789abcdef"


@pytest.mark.parametrize(
    "text",
    [
        f"[models.m]\napi_key = '{CANARY}'",
        f"[models.m]\napikey = '{CANARY}'",
        f"[models.m]\ntoken = '{CANARY}'",
        f"api_key = '{CANARY}'",
        f"[models.m]\napi_key_env = '{CANARY}'",
        "[models.m]\napi_key_env = 'gsk_canary0123456789abcdef'",
        f"[models.m]\nbase_url = 'https://user:{CANARY}@example.test/v1'",
        f"[models.m]\nbase_url = 'https://example.test/v1?api-key={CANARY}'",
        f"[models.m]\nparameters = {{ extra_headers = {{ Authorization = 'Bearer {CANARY}' }} }}",
        f"[models.m]\nparameters = {{ extra_body = [ {{ api_key = '{CANARY}' }} ] }}",
        f"[models.m.api_key]\n'{CANARY}' = 1",
    ],
)
def test_a_key_in_the_file_is_refused_and_never_shown(tmp_path: Path, text: str) -> None:
    """A key in the configuration is refused with advice, and its value is not repeated."""
    try:
        found = refusal(tmp_path, text)
    finally:
        redaction.forget()
    assert "canary" not in found
    assert "environment variable" in found or "api_key_env" in found


def test_a_refused_key_is_masked_from_then_on(tmp_path: Path) -> None:
    """After the refusal the pasted key is a known secret."""
    try:
        refusal(tmp_path, f"[models.m]\napi_key = '{CANARY}'")
        assert redaction.redact(f"x {CANARY}") == f"x {redaction.MASK}"
    finally:
        redaction.forget()
