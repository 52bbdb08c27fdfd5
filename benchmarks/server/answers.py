"""The bytes of an answer, made without reading more of the request than must be."""

from __future__ import annotations

import time
import zlib
from email.utils import formatdate

__all__ = ["CHAT", "answer_of", "chat", "error", "question_of", "streamed"]

CHAT = b"/chat/completions"

_HEAD = (
    b'{"id":"chatcmpl-benchmark","object":"chat.completion","created":1760000000,"model":"bench",'
    b'"choices":[{"index":0,"message":{"role":"assistant","content":"'
)
_TAIL = (
    b'"},"finish_reason":"stop","logprobs":null}],"usage":{"prompt_tokens":12,'
    b'"completion_tokens":6,"total_tokens":18}}'
)
_CHUNK = (
    b'data: {"id":"chatcmpl-benchmark","object":"chat.completion.chunk","created":1760000000,'
    b'"model":"bench","choices":[{"index":0,"delta":{%b},"finish_reason":%b}]}\n\n'
)
_USAGE = (
    b'data: {"id":"chatcmpl-benchmark","object":"chat.completion.chunk","created":1760000000,'
    b'"model":"bench","choices":[],"usage":{"prompt_tokens":12,"completion_tokens":6,'
    b'"total_tokens":18}}\n\n'
)
_REASONS = {
    b"200": b"OK",
    b"404": b"Not Found",
    b"429": b"Too Many Requests",
    b"500": b"Internal Server Error",
    b"503": b"Service Unavailable",
    b"529": b"Overloaded",
}


def question_of(body: bytes) -> bytes:
    """Return the last message's content as it is spelled in *body*, with its escapes."""
    # A quote inside of a text is escaped: this sequence stands outside of texts alone.
    at = body.rfind(b'"content":')
    start = end = body.find(b'"', at + 10) + 1
    if at < 0 or not start:
        return b""
    while True:
        end = body.find(b'"', end)
        if end < 0:
            return body[start:]
        slashes = end
        while body[slashes - 1] == 0x5C:
            slashes -= 1
        if (end - slashes) % 2 == 0:
            return body[start:end]
        end += 1


def answer_of(body: bytes, question: bytes, size: int = 0) -> bytes:
    """Return the text of the answer, escaped for JSON: a verdict where a format is asked for."""
    if b'"response_format"' in body:
        return b'{\\"reason\\": \\"seen %08x\\", \\"verdict\\": \\"pass\\"}' % zlib.crc32(question)
    text = b"answer to " + (question if len(question) <= 200 else b"%08x" % zlib.crc32(question))
    return text if len(text) >= size else text + b" " + b"x" * (size - len(text) - 1)


def chat(text: bytes) -> bytes:
    """Return the head and body of a whole chat completion."""
    return _response(b"200", _HEAD + text + _TAIL)


def streamed(text: bytes) -> bytes:
    """Return the head and the events of a chat completion, a word each."""
    events = [_CHUNK % (b'"role":"assistant","content":""', b"null")]
    words = text.split(b" ")
    spelled = [words[0], *(b" " + one for one in words[1:])]
    events += [_CHUNK % (b'"content":"%b"' % one, b"null") for one in spelled]
    events += [_CHUNK % (b"", b'"stop"'), _USAGE, b"data: [DONE]\n\n"]
    body = b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in events)
    return (
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
        b"transfer-encoding: chunked\r\n\r\n" + body + b"0\r\n\r\n"
    )


def error(status: bytes, headers: dict[str, str]) -> bytes:
    """Return an error as servers spell it."""
    body = b'{"error":{"message":"the benchmark wants HTTP %b","type":"benchmark"}}' % status
    return _response(status, body, headers)


def _response(status: bytes, body: bytes, headers: dict[str, str] | None = None) -> bytes:
    told = {name: _dated(value) for name, value in (headers or {}).items()}
    further = b"".join(f"{name}: {value}\r\n".encode() for name, value in told.items())
    return (
        b"HTTP/1.1 %b %b\r\ncontent-type: application/json\r\n%bcontent-length: %d\r\n\r\n"
        % (status, _REASONS[status], further, len(body))
    ) + body


def _dated(value: str) -> str:
    """Spell `date+3` as the date in three seconds."""
    ahead = value.removeprefix("date+")
    return formatdate(time.time() + float(ahead), usegmt=True) if ahead != value else value
