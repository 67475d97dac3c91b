"""Response bodies and streaming."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Response
from fastapi.responses import FileResponse, StreamingResponse
from starlette.middleware.gzip import GZipMiddleware

from perfectcv_traffic.capture.exchange import Body

Talk = Callable[..., Any]
Setup = Callable[..., Any]
Record = Callable[[Any], dict[str, Any]]

START = {"type": "http.response.start", "status": 200, "headers": []}


def sends(*messages: dict[str, Any]) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)

    return app


def answers(content: bytes, media_type: str = "application/json", **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(content, media_type=media_type, headers=named)


def body(content: Any, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": content, "more_body": more}


def test_b1_json_body_is_kept_whole(monitor: Setup, talk: Talk, record: Record) -> None:
    watching = monitor(answers(b'{"a":1}'))
    assert talk(watching.app).body == b'{"a":1}'
    row = record(watching)
    assert (row["response_body"], row["response_bytes"]) == ('{"a":1}', 7)
    assert row["response_body_note"] is None


def test_b2_chunks_pass_one_by_one_and_the_kept_part_is_bounded(
    monitor: Setup, record: Record
) -> None:
    made: list[int] = []
    passed: list[tuple[int, bytes]] = []

    async def chunks() -> AsyncIterator[bytes]:
        for number in range(5):
            made.append(number)
            yield b"%d" % number * 300

    app = FastAPI()
    app.add_api_route("/", lambda: StreamingResponse(chunks(), media_type="text/plain"))
    watching = monitor(app)

    async def send(message: Any) -> None:
        if message.get("body"):
            passed.append((len(made), message["body"]))

    async def receive() -> Any:
        await asyncio.Event().wait()

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}
    asyncio.run(app(scope, receive, send))
    # The first chunk had passed when the second was made.
    assert passed == [(number + 1, b"%d" % number * 300) for number in range(5)]
    row = record(watching)
    assert row["response_bytes"] == 1500
    assert len(row["response_body"]) == 1000
    assert row["response_body_note"] == "cut"


def test_b3_client_that_leaves_a_stream_is_recorded_with_what_it_got(
    monitor: Setup, talk: Talk, record: Record
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(START)
        await send(body(b"data: 1\n\n", more=True))
        assert (await receive())["type"] == "http.disconnect"

    watching = monitor(app)
    assert talk(watching.app, gone=True).error is None
    row = record(watching)
    assert (row["status_code"], row["complete"], row["client_disconnected"]) == (200, False, True)
    assert row["response_bytes"] == 9


def test_b4_open_stream_is_recorded_when_shutdown_cancels_it(
    monitor: Setup, record: Record
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send(body(b"tick", more=True))
        await asyncio.Event().wait()

    watching = monitor(app)
    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}

    async def cancelled() -> None:
        sent = asyncio.Event()

        async def send(message: Any) -> None:
            if message.get("body"):
                sent.set()

        task = asyncio.ensure_future(watching.app(scope, object(), send))
        await sent.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    row = record(watching)
    assert (row["complete"], row["response_bytes"]) == (False, 4)
    assert row["error_message"] == "CancelledError"


def test_b5_kept_part_of_a_chunk_does_not_keep_the_chunk() -> None:
    kept = Body()
    chunk = bytes(65_536)
    kept.add(chunk, 10)
    assert len(kept.head) == 10
    assert kept.size == 65_536


def test_b5_file_response_passes_and_is_sized(
    monitor: Setup, talk: Talk, record: Record, tmp_path: Path
) -> None:
    file = tmp_path / "data.bin"
    file.write_bytes(bytes(300_000))
    app = FastAPI()
    app.add_api_route("/", lambda: FileResponse(file), response_class=FileResponse)
    watching = monitor(app)
    assert len(talk(app).body) == 300_000
    row = record(watching)
    assert (row["response_bytes"], row["response_body"]) == (300_000, None)
    assert row["response_body_note"] == "binary"


@pytest.mark.parametrize("kind", ["pathsend", "zerocopysend"], ids=["b6", "b7"])
def test_b6_b7_body_sent_as_a_file_is_final_and_sized_by_its_header(
    monitor: Setup, talk: Talk, record: Record, kind: str
) -> None:
    start = {**START, "headers": [(b"content-length", b"12345")]}
    last = {"type": f"http.response.{kind}", "path": "/x", "file": 3}
    watching = monitor(sends(start, last))
    assert talk(watching.app).messages[-1] is last
    row = record(watching)
    assert (row["complete"], row["response_bytes"]) == (True, 12_345)
    assert row["response_body_note"] == "file"


@pytest.mark.parametrize("declared", [[], [(b"content-length", b"9" * 18)]], ids=["none", "absurd"])
def test_b6_size_of_a_file_is_unknown_without_a_length_that_can_be(
    monitor: Setup, talk: Talk, record: Record, declared: Any
) -> None:
    start = {**START, "headers": declared}
    watching = monitor(sends(start, {"type": "http.response.pathsend", "path": "/x"}))
    talk(watching.app)
    row = record(watching)
    assert (row["response_bytes"], row["response_body_note"]) == (None, "file")


def test_b8_record_is_closed_after_the_last_trailers(
    monitor: Setup, talk: Talk, record: Record
) -> None:
    trailers = {"type": "http.response.trailers", "headers": [(b"x-sum", b"1")]}
    messages = [{**START, "trailers": True}, body(b"x"), {**trailers, "more_trailers": True}]
    watching = monitor(sends(*messages, trailers))
    assert talk(watching.app).messages[-1] is trailers
    assert record(watching)["complete"] is True

    cut = monitor(sends(*messages))
    talk(cut.app)
    assert cut.flush()


def test_b8_response_without_its_trailers_is_not_complete(
    monitor: Setup, talk: Talk, record: Record
) -> None:
    watching = monitor(sends({**START, "trailers": True}, body(b"x")))
    talk(watching.app)
    assert record(watching)["complete"] is False


def test_b9_bytes_changed_afterwards_do_not_change_the_record(
    monitor: Setup, talk: Talk, record: Record
) -> None:
    first, second = bytearray(b"first "), bytearray(b"second")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send(body(first, more=True))
        await send(body(memoryview(second)))
        first[:] = second[:] = b"XXXXXX"

    watching = monitor(app)
    sent = talk(watching.app).messages
    assert sent[1]["body"] is first
    assert record(watching)["response_body"] == "first second"


@pytest.mark.parametrize(
    "messages",
    [
        [{"type": "http.response.body", "more_body": True}, {"type": "http.response.body"}],
        [body(b"", more=True), body(b"")],
    ],
    ids=["no body key", "empty"],
)
def test_b10_empty_body_messages(
    monitor: Setup, talk: Talk, record: Record, messages: list[dict[str, Any]]
) -> None:
    watching = monitor(sends(START, *messages))
    talk(watching.app)
    row = record(watching)
    assert (row["complete"], row["response_bytes"], row["response_body"]) == (True, 0, None)


@pytest.mark.parametrize("status", [204, 304])
def test_b11_answers_without_body(monitor: Setup, talk: Talk, record: Record, status: int) -> None:
    watching = monitor(Response(status_code=status))
    talk(watching.app)
    row = record(watching)
    assert (row["status_code"], row["response_bytes"]) == (status, 0)
    assert (row["response_body"], row["response_body_note"]) == (None, None)


def test_b12_body_of_a_head_request_went_nowhere(
    monitor: Setup, talk: Talk, record: Record
) -> None:
    watching = monitor(answers(b'{"a":null}'))
    talk(watching.app, "HEAD")
    row = record(watching)
    assert (row["response_bytes"], row["response_body"]) == (0, None)
    assert row["null_response_count"] == 0


def test_b13_compressed_body_is_read(monitor: Setup, talk: Talk, record: Record) -> None:
    app = FastAPI()
    app.add_middleware(GZipMiddleware, minimum_size=1)
    app.add_api_route("/", lambda: {"a": None, "password": "hunter2"})
    watching = monitor(app)
    answer = talk(app, headers=[(b"accept-encoding", b"gzip")])
    assert gzip.decompress(answer.body) == b'{"a":null,"password":"hunter2"}'
    row = record(watching)
    assert row["response_bytes"] == len(answer.body)
    assert row["response_body"] == '{"a":null,"password":"[REDACTED]"}'
    assert row["null_response_count"] == 1


BOMB = gzip.compress(bytes(50_000_000))
FIRST, SECOND = gzip.compress(b'{"a":1,'), gzip.compress(b'"b":2}')


@pytest.mark.parametrize(
    ("content", "encoding", "kept", "note"),
    [
        (zlib.compress(b'{"a":1}'), "deflate", '{"a":1}', None),
        (zlib.compress(b'{"a":1}')[2:-4], "deflate", '{"a":1}', None),
        (gzip.compress(b'{"a":"' + bytes(range(97, 123)) * 40)[:-20], "gzip", '{"a":"abc', "cut"),
        (FIRST + SECOND, "gzip", '{"a":1,"b":2}', None),
        (FIRST + SECOND + bytes(512), "gzip", '{"a":1,"b":2}', None),
        (FIRST + SECOND[:-4], "gzip", '{"a":1,"b":2}', "cut"),
        (FIRST + SECOND[:2] + b"junk", "gzip", '{"a":1,', "cut"),
        (FIRST + SECOND + b"junk", "gzip", '{"a":1,"b":2}', "cut"),
        (FIRST + gzip.compress(b"") * 10_000 + SECOND, "gzip", '{"a":1,', "cut"),
        (BOMB, "gzip", "\0\0", "cut"),
        (b"not gzip", "gzip", None, "encoding:gzip"),
        (b"\x0b\x02\x80", "br", None, "encoding:br"),
        (b"(\xb5/\xfd", "zstd", None, "encoding:zstd"),
        (b'{"a":1}', "identity", '{"a":1}', None),
    ],
    ids=["zlib", "raw", "cut", "members", "padded", "cut-member", "no-member", "trailing",
         "many-members", "bomb", "not-gzip", "br", "zstd", "identity"],
)  # fmt: skip
def test_b13_encodings(
    *,
    monitor: Setup,
    talk: Talk,
    record: Record,
    content: bytes,
    encoding: str,
    kept: str | None,
    note: str | None,
) -> None:
    watching = monitor(answers(content, content_encoding=encoding))
    assert talk(watching.app).body == content
    row = record(watching)
    assert (row["response_body"] or "")[: len(kept or "")] == (kept or "")
    assert (row["response_body"] is None) == (kept is None)
    assert row["response_body_note"] == note


@pytest.mark.parametrize("media_type", ["image/png", "application/pdf", "application/octet-stream"])
def test_b14_binary_is_not_kept_as_text(
    monitor: Setup, talk: Talk, record: Record, media_type: str
) -> None:
    watching = monitor(answers(b"\x89PNG\0\xff", media_type))
    talk(watching.app)
    row = record(watching)
    assert (row["response_body"], row["response_body_note"]) == (None, "binary")
    assert row["response_bytes"] == 6
    assert row["response_headers"]["content-type"] == media_type


@pytest.mark.parametrize(
    ("content", "media_type", "text"),
    [
        ("grün".encode("latin-1"), "text/plain; charset=latin-1", "grün"),
        (b"gr\xfcn", "text/plain; charset=utf-8", "gr\ufffdn"),
        (b"gr\xfcn", "text/plain; charset=unicode_escape", "gr\ufffdn"),
        (b"gr\xfcn", 'text/plain; charset="nonsense"', "gr\ufffdn"),
    ],
    ids=["latin-1", "invalid", "not-a-text-charset", "unknown"],
)
def test_b15_charsets(
    monitor: Setup, talk: Talk, record: Record, content: bytes, media_type: str, text: str
) -> None:
    watching = monitor(answers(content, content_type=media_type))
    talk(watching.app)
    assert record(watching)["response_body"] == text


@pytest.mark.parametrize("limit", [4, 5, 6])
def test_b16_cut_inside_a_character_stays_utf_8(
    monitor: Setup, talk: Talk, record: Record, limit: int
) -> None:
    watching = monitor(answers("aüüü".encode(), "text/plain"), parse_limit=limit)
    talk(watching.app)
    row = record(watching)
    assert row["response_body"] == "aüüü"[: 1 + (limit - 1) // 2]
    assert row["response_body_note"] == "cut"


def test_b17_nulls_of_a_body_beyond_the_limit_are_partial(
    monitor: Setup, talk: Talk, record: Record
) -> None:
    watching = monitor(answers(b'{"a":null,"b":"' + b"x" * 100 + b'","c":null}'), parse_limit=50)
    talk(watching.app)
    row = record(watching)
    assert [null["field_path"] for null in row["null_response_details"]] == ["a"]
    assert row["nulls_partial"] is True


@pytest.mark.parametrize("kind", ["tuple", "generator", "text"])
def test_b18_headers_of_other_types_are_forwarded(
    monitor: Setup, talk: Talk, record: Record, kind: str
) -> None:
    pairs: list[tuple[Any, Any]] = [(b"x-a", b"1"), (b"x-b", b"2")]
    given: Any = {
        "tuple": tuple(pairs),
        "generator": (pair for pair in pairs),
        "text": [("x-a", "1"), ("x-b", "2")],
    }[kind]
    watching = monitor(sends({**START, "headers": given}, body(b"")))
    (start, _) = talk(watching.app).messages
    expected = [("x-a", "1"), ("x-b", "2")] if kind == "text" else pairs
    assert list(start["headers"])[:2] == expected
    assert record(watching)["response_headers"] == {"x-a": "1", "x-b": "2"}


def test_b19_cookies_set_are_all_kept_by_name_without_values(
    monitor: Setup, talk: Talk, record: Record
) -> None:
    headers = [(b"set-cookie", b"session=abcdef; Path=/"), (b"set-cookie", b"theme=dark")]
    watching = monitor(sends({**START, "headers": headers}, body(b"")))
    talk(watching.app)
    kept = record(watching)["response_headers"]["set-cookie"]
    assert kept.startswith("session=[REDACTED]")
    assert kept.endswith(", theme=[REDACTED]")
    assert "dark" not in kept


def test_b20_many_small_chunks_keep_no_long_list() -> None:
    kept = Body()
    for _ in range(100_000):
        kept.add(b"x", 1000)
    assert (kept.size, kept.kept) == (100_000, 1000)
    assert len(kept.head) == 1000


def test_b21_back_pressure_reaches_the_application(monitor: Setup, record: Record) -> None:
    order: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        for number in range(2):
            await send(body(b"x", more=number == 0))
            order.append(f"sent {number}")

    async def send(message: Any) -> None:
        if "body" in message:
            await asyncio.sleep(0)
            order.append("taken")

    watching = monitor(app)
    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    asyncio.run(watching.app(scope, object(), send))
    assert order == ["taken", "sent 0", "taken", "sent 1"]
    assert record(watching)["complete"] is True


def test_b23_server_error_in_send_propagates_and_means_disconnected(
    monitor: Setup, record: Record
) -> None:
    gone = OSError("client gone")

    async def send(message: Any) -> None:
        if "body" in message:
            raise gone

    watching = monitor(answers(b"{}"))
    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    with pytest.raises(OSError, match="client gone") as caught:
        asyncio.run(watching.app(scope, object(), send))
    assert caught.value is gone
    row = record(watching)
    assert (row["client_disconnected"], row["complete"]) == (True, False)


def test_b24_numbers_that_are_no_json_are_no_nulls(
    monitor: Setup, talk: Talk, record: Record
) -> None:
    watching = monitor(answers(b'{"a":NaN,"b":-Infinity,"c":1e999,"d":[null]}'))
    talk(watching.app)
    row = record(watching)
    assert row["response_body"] == '{"a":NaN,"b":-Infinity,"c":1e999,"d":[null]}'
    assert row["null_response_count"] == 1
