"""Addresses, stored replies, recordings, and the words of a miss."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ailoop import redaction
from pytest_ailoop.calling.identity import Identity, Request, address_of, endpoint_of, is_loopback
from pytest_ailoop.calling.nearest import Neighbours, difference
from pytest_ailoop.calling.recordings import read_recordings, write_recordings
from pytest_ailoop.calling.stored import from_line, pack, to_line
from pytest_ailoop.data.variant import ModelSpec
from pytest_ailoop.errors import ReplyError
from tests.fakes.calls import stored


@pytest.fixture(autouse=True)
def _no_secrets() -> Iterator[None]:
    yield
    redaction.forget()


def request(
    body: Any = None,
    target: str = "/v1/chat/completions",
    *,
    host: str = "api.example",
    content_type: str = "application/json",
    identity: Identity | None = None,
    url: str = "",
) -> Request:
    data = body if isinstance(body, bytes) else json.dumps(body or {"model": "m"}).encode()
    return (identity or Identity()).request_of(
        "POST", host, target, data, content_type=content_type, url=url
    )


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/chat/completions", ("/chat/completions", True)),
        ("/chat/completions/", ("/chat/completions", True)),
        ("/v1/completions", ("/completions", True)),
        ("/gateway/sk-KEY/openai/v1/embeddings", ("/embeddings", True)),
        (
            "/openai/deployments/d4/chat/completions",
            ("/deployments/d4/chat/completions", True),
        ),
        ("/v1beta/models/g-2:generateContent", ("/models/g-2:generateContent", True)),
        ("/v1/messages", ("/messages", False)),
        ("/v1/responses", ("/responses", False)),
        ("/v1/models", None),
        ("/v1/chat/completions/stats", None),
        ("/", None),
    ],
)
def test_endpoints(path: str, expected: Any) -> None:
    """A model's endpoint is cut out of what gateways put before it."""
    assert endpoint_of(path) == expected


def test_what_does_not_count() -> None:
    """Host, base path, other query fields and the order of keys do not change the address."""
    one = request({"model": "m", "a": 1})
    two = request(b'{"a": 1,  "model": "m"}', "/gate/x/chat/completions?user=1", host="other")
    assert one == two
    assert one.path == "/chat/completions"


@pytest.mark.parametrize(
    "other",
    [
        request({"model": "m", "a": 2}),
        request({"model": "m", "a": 1.0}),
        request({"model": "m", "a": 1}, "/v1/chat/completions?api-version=2"),
        request({"model": "m", "a": 1}, "/v1/embeddings"),
        request({"model": "m", "a": 1}, "/v1/search"),
        request({"model": "m", "a": 1}, "/v1/threads/t1/chat"),
    ],
)
def test_what_counts(other: Request) -> None:
    """Body, endpoint and the version of the API change the address."""
    assert request({"model": "m", "a": 1}).digest != other.digest


def test_other_services_keep_host_and_query() -> None:
    """A search is named by its host and question, without its key."""
    found = request(b"", "/find?q=cats&api_key=KEY", host="search.example:8443")
    assert found.path == "//search.example:8443/find?q=cats"
    assert not found.is_model
    thread = request({"role": "user"}, "/v1/threads/t1/messages")
    assert thread.path == "//api.example/v1/threads/t1/messages"


def test_ignored_fields_and_forms() -> None:
    """Configured fields and a form's random boundary do not count."""
    identity = Identity(ignore_fields=("metadata.id", "messages.*.at"))
    bodies = [
        {"model": "m", "metadata": {"id": 1, "k": 2}, "messages": [{"at": 1, "t": "x"}]},
        {"model": "m", "metadata": {"k": 2}, "messages": [{"at": 7, "t": "x"}]},
    ]
    assert len({request(body, identity=identity).digest for body in bodies}) == 1
    forms = [
        request(
            f"--{mark}\r\n\r\nx\r\n--{mark}--".encode(),
            content_type=f"multipart/form-data; boundary={mark}",
        )
        for mark in ("abc123", "zz99zz99")
    ]
    assert forms[0] == forms[1]
    assert set(forms[0].body) == {"content_type", "sha256"}


def test_aliases_of_one_model_are_told_apart() -> None:
    """Two configured models of one name and different servers have addresses of their own."""
    specs = [
        ModelSpec(alias=alias, model="m", base_url=f"http://{alias}.example/v1/")
        for alias in ("a", "b")
    ]
    identity = Identity(specs)
    found = [
        request(identity=identity, url=f"http://{alias}.example/v1/chat/completions")
        for alias in ("a", "b", "c")
    ]
    assert [one.alias for one in found] == ["a", "b", None]
    assert len({one.digest for one in found}) == 3
    assert identity.spec_of("m", "http://b.example/v1/x") == specs[1]


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "127.9.1", "::1", "a.localhost", "[::1]"]
)
def test_loopback(host: str) -> None:
    """This machine is known by its spellings."""
    assert is_loopback(host)
    assert not is_loopback(f"{host}.example")


def test_trial_and_occurrence_count() -> None:
    """Trial and repeat are part of the address."""
    assert len({address_of("r", *pair) for pair in ((1, 0), (2, 0), (1, 1), (11, 0))}) == 4


VALUES: Any = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
BODIES = st.binary(max_size=60) | st.builds(
    lambda value, indent, ascii, end: (
        json.dumps(value, indent=indent, ensure_ascii=ascii) + end
    ).encode("utf-8", "surrogatepass"),
    VALUES,
    st.sampled_from([None, 2, 4]),
    st.booleans(),
    st.sampled_from(["", "\n", "\n\n", " "]),
)


@given(BODIES, st.sampled_from(["application/json", "text/event-stream", "application/x-ndjson"]))
def test_bodies_come_back_exactly(body: bytes, content_type: str) -> None:
    """Whatever bytes a server sends, the stored line gives exactly them again."""
    line = to_line(stored(reply=pack(body, content_type), content_type=content_type))
    assert "\n" not in line
    assert b"".join(from_line(line.encode("utf-8")).pieces) == body


@pytest.mark.parametrize(
    ("body", "form"),
    [
        (b'{"a":"\xc3\xa9"}', "compact"),
        (b'{"a":"\\u00e9"}', "compact ascii"),
        (b'{"a": "x", "b": 1}', "spaced"),
        (b'{\n  "a": 1\n}\n', "indent newline"),
    ],
)
def test_usual_layouts_stay_readable(body: bytes, form: str) -> None:
    """The layouts that servers use are kept as JSON."""
    assert pack(body, "application/json")["format"] == form


def test_other_forms() -> None:
    """Odd layouts are kept as text, streams by event, other bytes as base64."""
    assert pack(b'{"a" :1}', "application/json") == {"text": '{"a" :1}'}
    events = b"data: 1\n\ndata: 2\r\n\r\nrest"
    assert pack(events, "text/event-stream; charset=utf-8") == {
        "chunks": ["data: 1\n\n", "data: 2\r\n\r\n", "rest"]
    }
    assert pack(b"\xff", "audio/mpeg") == {"base64": "/w=="}


def test_secrets_leave_values_only() -> None:
    """A known secret is masked in strings, keys and numbers, and the line stays JSON."""
    redaction.learn("1760000000")
    redaction.learn('quo"ted-key')
    line = to_line(
        stored(
            request={"k": 'x quo"ted-key'},
            reply={"json": {"created": 1760000000}, "format": "spaced"},
        )
    )
    assert json.loads(line)["reply"]["json"] == {"created": "[secret]"}
    assert json.loads(line)["request"] == {"k": "x [secret]"}


@pytest.mark.parametrize("secret", ['say "x\\y"', "bél\nle\tclé", "key-\u2028-\U0001f511-key"])
def test_secrets_are_found_as_they_are_written(secret: str) -> None:
    """What JSON escapes in a secret does not hide it, nor what stands beside it."""
    redaction.learn(secret)
    line = to_line(stored(request={secret: [f'a\n{secret}"b']}, reply={"text": secret}))
    found = from_line(line)
    assert found.request == {"[secret]": ['a\n[secret]"b']}
    assert found.reply == {"text": "[secret]"}


def test_recordings_are_sorted_and_merged(tmp_path: Path) -> None:
    """Writing keeps others' replies, replaces its own, sorts, and repeats byte for byte."""
    path = tmp_path / "__recordings__" / "test_x.jsonl"
    old = [stored(name * 16, trial=1) for name in "cab"]
    assert write_recordings(path, old, prune=False)
    first = path.read_bytes()
    assert not write_recordings(path, reversed(old), prune=False)
    assert path.read_bytes() == first
    new = stored("b" * 16, reply={"text": "new"})
    assert write_recordings(path, [new], prune=False)
    assert [*read_recordings(path)] == ["a" * 16, "b" * 16, "c" * 16]
    assert read_recordings(path)["b" * 16] == new
    assert write_recordings(path, [new], prune=True)
    assert [*read_recordings(path)] == ["b" * 16]
    lines = path.read_text().splitlines()
    assert lines[0] == '{"ailoop": "recordings", "schema": 1}'
    assert len(lines) == 2


def test_a_missing_file_is_empty(tmp_path: Path) -> None:
    """No file is no recordings, and nothing to write makes none."""
    path = tmp_path / "none.jsonl"
    assert read_recordings(path) == {}
    assert not write_recordings(path, [], prune=True)
    assert not path.exists()


HEADER = '{"ailoop": "recordings", "schema": 1}\n'
GOOD = to_line(stored())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", r":1: expected .* got ''"),
        (GOOD, r":1: expected"),
        ('{"ailoop": "recordings", "schema": 2}\n', r":1: written with schema 2.*upgrade"),
        (HEADER + "{\n", r":2: not JSON: .*restore it from git"),
        (HEADER + GOOD + "\n\n[1]\n", r":4: expected an object, got list"),
        (HEADER + "<<<<<<< HEAD\n", r":2: a merge conflict is not resolved; keep the reply lines"),
        ("<<<<<<< HEAD\n" + HEADER, r":1: a merge conflict"),
        (HEADER + '{"path": "/x"}\n', r":2: 'address' is missing"),
        (HEADER + GOOD.replace('"trial"', '"trail"') + "\n", r":2: unknown field 'trail'"),
        (HEADER + GOOD.replace('"json"', '"jsn"') + "\n", r":2: the reply holds neither"),
        (HEADER + GOOD.replace("compact", "tiny") + "\n", r":2: unknown reply format 'tiny'"),
        (
            HEADER + GOOD + "\n" + GOOD.replace('"a":1', '"a":2') + "\n",
            r":3: a second, different reply to address a+ \(the first is in line 2\)",
        ),
        (HEADER + "\udcff", r":2: not UTF-8"),
        (HEADER + "[" * 100_000 + "\n", r":2: nested too deeply"),
    ],
)
def test_damage_is_told_with_its_line(text: str, words: str, tmp_path: Path) -> None:
    """Each damage of a recordings file names file, line and remedy."""
    path = tmp_path / "test_x.jsonl"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ReplyError, match=words) as caught:
        read_recordings(path)
    assert str(caught.value).startswith(str(path))
    assert ";" in str(caught.value)


def test_equal_lines_twice_and_crlf_are_fine(tmp_path: Path) -> None:
    """A line that a merge doubled, and Windows line ends, do no harm."""
    path = tmp_path / "test_x.jsonl"
    path.write_bytes((HEADER + GOOD + "\n" + GOOD + "\n").replace("\n", "\r\n").encode())
    assert [*read_recordings(path)] == ["a" * 16]


LONG = " ".join(f"word{number}" for number in range(200))


@pytest.mark.parametrize(
    ("recorded", "asked", "words"),
    [
        ({"a": 1}, {"a": 1}, ""),
        ({"t": 0}, {"t": 0.5}, "t: recorded 0, asked 0.5"),
        ({"t": True}, {"t": 1}, "t: recorded True, asked 1"),
        ({}, {"t": 1}, "t: recorded nothing, asked 1"),
        (
            {"m": [{"c": "be terse"}]},
            {"m": [{"c": "be kind"}]},
            "m[0].c: recorded 'be terse', asked 'be kind'",
        ),
        (
            {"c": f"{LONG} terse {LONG}"},
            {"c": f"{LONG} kind {LONG}"},
            "c: recorded '... word197 word198 word199 terse word0 word1 word2 ...', "
            "asked '... word197 word198 word199 kind word0 word1 word2 ...'",
        ),
        (
            {"a": 1, "bcd": 2},
            {"a": 3, "bcd": 4},
            "a: recorded 1, asked 3 (and 1 further difference)",
        ),
    ],
)
def test_differences_in_words(recorded: Any, asked: Any, words: str) -> None:
    """The shortest difference names the place and both sides' words."""
    assert difference(recorded, asked) == words


def test_the_nearest_is_found_fast() -> None:
    """Among thousands of long requests the nearest is found, in a few milliseconds each."""
    bodies = [
        {"model": "m", "messages": [{"content": f"{LONG} about {n} {n * 7}"}]} for n in range(4000)
    ]
    recorded = [stored(f"{n:016x}", request=body) for n, body in enumerate(bodies)]
    neighbours = Neighbours([*recorded, stored("f" * 16, path="/embeddings")])
    asked = request(
        {"model": "m", "messages": [{"content": f"{LONG} about {1234} {1234 * 7} kind"}]}
    )
    neighbours.nearest(asked)
    start = time.process_time()
    for _ in range(10):
        found = neighbours.nearest(asked)
    assert (time.process_time() - start) / 10 < 0.1
    assert found is not None
    assert found.request == bodies[1234]
    assert neighbours.nearest(request(target="/v1/completions")) is None
    other = neighbours.nearest(request({"model": "other", "messages": []}))
    assert other is not None
    assert other.path == "/chat/completions"
