"""Reading the configuration: what is taken, what is refused and in which words."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pytest_ailoop import redaction
from pytest_ailoop.data.variant import ModelSpec
from pytest_ailoop.errors import ConfigError, UsageError
from pytest_ailoop.settings import Config, read_config, resolve_model

FULL = """
judge = "mini"

[models.mini]
model = "gpt-5-mini"
base_url = "https://example.test/v1"
api_key_env = "MY_KEY"
parameters = { temperature = 0, max_tokens = 100, stop = ["\\n"], extra_body = { top_k = 3 } }
price = { input = 0.25, output = 2, cached_input = 0.025 }
rpm = 500
tpm = 30000
concurrency = 8
timeout = 60
first_byte_timeout = 2.5

[models."local-1.7b"]

[recordings]
ignore_fields = ["user", "metadata.request_id"]
passthrough = ["localhost", "127.0.0.1:8080", "[::1]:80"]
"""

EXPECTED = Config(
    models={
        "mini": ModelSpec(
            alias="mini",
            model="gpt-5-mini",
            base_url="https://example.test/v1",
            api_key_env="MY_KEY",
            parameters={
                "temperature": 0,
                "max_tokens": 100,
                "stop": ["\n"],
                "extra_body": {"top_k": 3},
            },
            price={"input": 0.25, "output": 2.0, "cached_input": 0.025},
            rpm=500,
            tpm=30000,
            concurrency=8,
            timeout=60.0,
            first_byte_timeout=2.5,
        ),
        "local-1.7b": ModelSpec(alias="local-1.7b", model="local-1.7b"),
    },
    judge="mini",
    ignore_fields=("user", "metadata.request_id"),
    passthrough=("localhost", "127.0.0.1:8080", "[::1]:80"),
)

KNOWN = (
    "api_key_env, base_url, concurrency, first_byte_timeout, model, parameters, price, rpm,"
    " timeout, tpm"
)


def in_pyproject(text: str) -> str:
    return (
        text.replace("\njudge", "\n[tool.ailoop]\njudge")
        .replace("\n[m", "\n[tool.ailoop.m")
        .replace("\n[r", "\n[tool.ailoop.r")
    )


def test_ailoop_toml_is_read_whole(tmp_path: Path) -> None:
    """Every documented key of ailoop.toml arrives in the Config."""
    (tmp_path / "ailoop.toml").write_text(FULL)
    assert read_config(tmp_path) == EXPECTED


def test_pyproject_tables_mean_the_same(tmp_path: Path) -> None:
    """The same tables below [tool.ailoop] give the same Config."""
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n' + in_pyproject(FULL))
    assert read_config(tmp_path) == EXPECTED


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"pyproject.toml": "[project]\nname = 'x'\n"},
        {"pyproject.toml": "[project]\nname = 'ailoop-user'\n[tool.other]\na = 1\n"},
        {"pyproject.toml": "[tool.ailoop]\n"},
        {"ailoop.toml": ""},
        {"pyproject.toml": "[project]\ndependencies = ['pytest-ailoop']\n", "ailoop.toml": ""},
    ],
)
def test_nothing_configured_is_the_default(tmp_path: Path, files: dict[str, str]) -> None:
    """No file, no table and an empty table are all the default Config."""
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert read_config(tmp_path) == Config()


def test_a_broken_pyproject_without_our_table_is_not_our_fault(tmp_path: Path) -> None:
    """A pyproject.toml that never mentions ailoop is not parsed."""
    (tmp_path / "pyproject.toml").write_text("[project\n")
    assert read_config(tmp_path) == Config()


def test_both_files_are_refused(tmp_path: Path) -> None:
    """Two places that configure are refused, both named."""
    (tmp_path / "pyproject.toml").write_text("[tool.ailoop]\n")
    (tmp_path / "ailoop.toml").write_text("")
    with pytest.raises(ConfigError) as caught:
        read_config(tmp_path)
    assert str(caught.value) == (
        "both pyproject.toml ([tool.ailoop]) and ailoop.toml configure ailoop; keep one"
    )


def refusal(tmp_path: Path, text: str | bytes, name: str = "ailoop.toml") -> str:
    (tmp_path / name).write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(ConfigError) as caught:
        read_config(tmp_path)
    return str(caught.value)


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
            "expected a margin, or a table of margins by score, got 'no'\n"
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


@pytest.mark.parametrize(
    "parameters",
    ["{max_tokens = 1}", "{prompt_cache_key = 'a'}", "{max_completion_tokens = 2}", "{user = 'u'}"],
)
def test_ordinary_parameters_are_no_keys(tmp_path: Path, parameters: str) -> None:
    """Request parameters whose names contain `token` or `key` are taken."""
    (tmp_path / "ailoop.toml").write_text(f"[models.m]\nparameters = {parameters}")
    assert read_config(tmp_path).models["m"].parameters


def test_two_aliases_may_share_a_model(tmp_path: Path) -> None:
    """The same model name at two servers makes two models."""
    (tmp_path / "ailoop.toml").write_text(
        "[models.a]\nmodel = 'm'\nbase_url = 'http://a.test'\n"
        "[models.b]\nmodel = 'm'\nbase_url = 'http://b.test'\n"
    )
    models = read_config(tmp_path).models
    assert [models[name].base_url for name in "ab"] == ["http://a.test", "http://b.test"]


def test_a_name_is_an_alias_first() -> None:
    """`resolve_model` gives the alias's model, and takes any other name as the model itself."""
    mini = ModelSpec(alias="mini", model="gpt-5-mini")
    config = Config(models={"mini": mini})
    assert resolve_model("mini", config) is mini
    assert resolve_model("gpt-5", config) == ModelSpec(alias="gpt-5", model="gpt-5")


@pytest.mark.parametrize("name", ["", "  ", None, 3])
def test_what_is_no_model_name_is_refused(name: object) -> None:
    """An empty or foreign value is a usage error that shows it."""
    with pytest.raises(UsageError) as caught:
        resolve_model(name, Config())  # type: ignore[arg-type]
    assert str(caught.value) == (
        f"expected a model name or an alias of [tool.ailoop.models], got {name!r}"
    )


@pytest.mark.parametrize(
    ("text", "loaded"), [("", "[]"), ("[tool.ailoop.models.m]\nrpm = 1\n", "['tomllib']")]
)
def test_what_is_dear_is_not_imported(tmp_path: Path, text: str, loaded: str) -> None:
    """Reading a configuration takes a TOML reader, and without one not even that; no pydantic."""
    (tmp_path / "pyproject.toml").write_text(text)
    code = (
        "import sys; from pathlib import Path; before = set(sys.modules);"
        "from pytest_ailoop.settings import read_config;"
        f"read_config(Path({str(tmp_path)!r}));"
        "print(sorted({'pydantic', 'tomllib', 'asyncio'} & set(sys.modules) - before))"
    )
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    assert loaded == found.stdout.strip()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[gates.g]\nevery_case = 1", "[gates.g]: 'every_case': expected true or false, got 1"),
        ("[gates.g]\npass_rate = true", "[gates.g]: 'pass_rate': expected a number, got True"),
        ("[models.m]\nrpm = true", "[models.m]: 'rpm': expected a whole number, got True"),
        ("[models.m]\nparameters = 1", "[models.m]: 'parameters': expected a table"),
        ("[gates.g]\ntests = 'a'", "[gates.g]: 'tests': expected a list, got 'a'"),
        (
            "[gates.g]\nmean = {'' = 1}",
            "[gates.g.mean]: '': expected a name, got an empty or unprin",
        ),
        ("[gates.g]\nmean = {a = '1'}", "[gates.g.mean]: 'a': expected a number, got '1'"),
        (
            "[[accepted_failures]]\ncase = 'a'\nreason = 'b'\nowner = 'c'\n"
            "expires = 2030-12-31T00:00:00",
            "[accepted_failures[0]]: 'expires': expected a date without quotes",
        ),
    ],
)
def test_values_of_a_wrong_kind_are_refused(tmp_path: Path, text: str, message: str) -> None:
    """Nothing is converted: a yes is no number, a moment no day, a text no list."""
    assert refusal(tmp_path, text).startswith(f"ailoop.toml {message}")


@pytest.mark.parametrize(("said", "first_byte"), [("20", 20.0), ("30", 30.0), ("500", 30.0)])
def test_a_stream_begins_within_the_timeout(tmp_path: Path, said: str, first_byte: float) -> None:
    """Where only `timeout` is given, the first byte has half a minute, and no more than that."""
    (tmp_path / "ailoop.toml").write_text(f"[models.m]\ntimeout = {said}\n")
    assert first_byte == read_config(tmp_path).models["m"].first_byte_timeout


def test_gates_and_accepted_failures_are_kept(tmp_path: Path) -> None:
    """Gates keep what was said alone, and an accepted failure its last day."""
    (tmp_path / "ailoop.toml").write_text(
        "[gates.release]\ntests = ['evals/*']\npass_rate = 0.9\n"
        "[[accepted_failures]]\ncase = 'a'\nreason = 'b'\nowner = 'c'\nexpires = 2030-12-31\n"
    )
    config = read_config(tmp_path)
    assert {"release": {"tests": ["evals/*"], "pass_rate": 0.9}} == config.gates
    (entry,) = config.accepted_failures
    assert ("a", ("*",), "2030-12-31") == (entry.case, entry.tests, entry.expires)
