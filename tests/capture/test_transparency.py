"""Responses with and without the recorder are byte-identical."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perfectcv_traffic import setup_monitoring

NAMES = st.sampled_from(
    [b"x-a", b"X-B", b"set-cookie", b"content-type", b"content-length", b"x-request-id"]
)
HEADERS = st.lists(st.tuples(NAMES, st.binary(max_size=12)), max_size=4)
CHUNKS = st.lists(st.binary(max_size=40), max_size=4)
MESSAGES = st.one_of(
    st.builds(
        lambda status, headers, trailers: {
            "type": "http.response.start", "status": status, "headers": headers,
            **({"trailers": True} if trailers else {}),
        },
        st.integers(100, 999), HEADERS, st.booleans(),
    ),
    st.builds(
        lambda body, more: {"type": "http.response.body", "body": body, "more_body": more},
        st.one_of(st.binary(max_size=50), st.binary(max_size=50).map(bytearray)), st.booleans(),
    ),
    st.sampled_from([
        {"type": "http.response.body"},
        {"type": "http.response.trailers", "headers": [(b"x", b"y")]},
        {"type": "http.response.pathsend", "path": "/nowhere"},
        {"type": "http.response.early_hint", "links": []},
        {"type": "http.response.start"},
        {"type": "unheard.of", "body": 3},
        {},
    ]),
)  # fmt: skip
ERRORS = st.sampled_from(
    [None, ValueError("x"), SystemExit(1), OSError("gone"), ExceptionGroup("g", [KeyError("k")])]
)
READS = st.integers(0, 4)


def scripted(
    before: int, messages: list[dict[str, Any]], error: BaseException | None, seen: list[Any]
) -> Any:
    """An application that reads, sends and raises as told, and notes what it was given."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for _ in range(before):
            seen.append(dict(await receive()))
            if not seen[-1].get("more_body"):
                break
        for message in messages:
            await send(message)
        if error is not None:
            raise error

    return app


def without_echo(messages: list[dict[str, Any]], own: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The messages without the request id that the recorder added to response starts."""
    cleaned = []
    for message, original in zip(messages, own, strict=True):
        added = [
            pair for pair in message.get("headers", []) if pair not in original.get("headers", [])
        ]
        assert [name for name, _ in added] in ([], [b"x-request-id"])
        kept = [pair for pair in message.get("headers", []) if pair not in added]
        cleaned.append(
            {**message, "headers": kept}
            if "headers" in original
            else {k: v for k, v in message.items() if k != "headers"}
        )
    return cleaned


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    before=READS, chunks=CHUNKS, messages=st.lists(MESSAGES, max_size=5), error=ERRORS,
    method=st.sampled_from(["GET", "HEAD", "POST", "ODD"]), path=st.text(min_size=1, max_size=20),
    query=st.binary(max_size=30), sent=HEADERS, gone=st.booleans(),
)  # fmt: skip
def test_response_is_the_same_with_and_without_the_recorder(
    *, tmp_path_factory: Any, talk: Any, before: int, chunks: list[bytes],
    messages: list[dict[str, Any]], error: BaseException | None, method: str, path: str,
    query: bytes, sent: list[tuple[bytes, bytes]], gone: bool,
) -> None:  # fmt: skip
    log: Path = tmp_path_factory.getbasetemp() / "transparency.log"
    seen_bare: list[Any] = []
    seen_recorded: list[Any] = []
    request: dict[str, Any] = {"body": chunks or [b""], "headers": sent, "gone": gone}
    path = "/" + path.replace("?", "")
    bare = talk(scripted(before, messages, error, seen_bare), method, path, **request)
    monitor = setup_monitoring(
        scripted(before, messages, error, seen_recorded), log=log, ingest="off"
    )
    recorded = talk(monitor.app, method, path, **request)
    monitor.close()
    assert recorded.error is bare.error or repr(recorded.error) == repr(bare.error)
    assert without_echo(recorded.messages, bare.messages) == bare.messages
    assert seen_recorded == seen_bare
    assert monitor.counters.recorded == 1
