"""Whole chunks at once give what their lines give one by one."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfectcv_traffic.log import whole
from perfectcv_traffic.log.fold import Lines, Place
from perfectcv_traffic.log.formats import Formats, LogFormat
from perfectcv_traffic.log.lines import MAX_LINE, Reject, Salvaged
from perfectcv_traffic.log.native import StoredForm
from perfectcv_traffic.log.whole import WholeChunks
from perfectcv_traffic.record import TrafficLog
from perfectcv_traffic.redaction import Redactor

FULL = msgspec.json.encode(
    TrafficLog(
        request_id="r1",
        event_id="5f1d7c3ab2e94d0600000000",
        method="GET",
        route="/users/{id}",
        request_headers={"}": "{"},
        response_body='}\n{"',
        status_code=200,
    )
)
WHOLE = b'{"request_id":"r2","path":"/x","method":"POST"}'
TORN = b'{"request_id":"r' + WHOLE

lines = st.sampled_from(
    [
        FULL,
        WHOLE,
        TORN,
        WHOLE + b"\r",
        b" " + WHOLE,
        WHOLE + WHOLE,
        WHOLE[:-1],
        b"",
        b"}",
        b"{}",
        b"[]",
        b'{"request_id":"r3",',
        b'"path":"/x"}',
        b'{"request_id":"r3","url":5}',
        b'{"request_id":"r3","user_agent":"\xff"}',
        b'{"request_id":"r3","x":{',
        b'{"y":1}}',
        WHOLE.replace(b"POST", b"PATCH"),
    ]
)


def one_by_one(data: bytes) -> tuple[list[TrafficLog], int]:
    parser = Formats(StoredForm(), Redactor()).parser(LogFormat.NATIVE)
    parsed = [parser.parse(line) for line in data[:-1].split(b"\n")]
    records = [one.record if isinstance(one, Salvaged) else one for one in parsed]
    rejected = sum(isinstance(one, Reject | Salvaged) for one in parsed)
    return [one for one in records if isinstance(one, TrafficLog)], rejected


def fields(records: list[TrafficLog]) -> list[bytes]:
    """What they hold: structs of different types are never equal."""
    return [msgspec.json.encode(msgspec.structs.astuple(record)) for record in records]


@given(st.lists(lines, min_size=1, max_size=12), st.integers(1, 200))
def test_log_in_chunks_gives_what_its_lines_give(found: list[bytes], piece: int) -> None:
    data = b"\n".join(found) + b"\n"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(whole, "PIECE", piece)
        records, rejected = read(data)
    expected, rejects = one_by_one(data)
    assert fields(records) == fields(expected)
    assert rejected == rejects


def read(data: bytes) -> tuple[list[TrafficLog], int]:
    found = list(Lines().batches(data, LogFormat.NATIVE, Place("a.log", 0)))
    return [one for batch in found for one in batch.records], sum(b.rejected for b in found)


@pytest.mark.parametrize(
    "data",
    [
        WHOLE + WHOLE + b"\n\n",
        WHOLE + b"\n" + WHOLE + WHOLE + b'\n{"request_id":\n"r"}\n',
        b'{"request_id":"r","x":[{}\n,{}]}\n' + WHOLE + WHOLE + b"\n",
        b'{"request_id":"r","x":[{}\n{}]}\n' + WHOLE + WHOLE + b"\n",
    ],
)
def test_as_many_records_as_lines_are_not_taken_for_one_each(data: bytes) -> None:
    assert WholeChunks(StoredForm()).records(memoryview(data)) is None


def test_value_that_was_not_seen_before_is_read() -> None:
    chunks = WholeChunks(StoredForm())
    for number in range(2 * whole._MOST_MISSES):
        line = b'{"request_id":"r","method":"M%d","route":null}\n' % number
        records = chunks.records(memoryview(line))
        assert records is not None
        assert (records[0].method, records[0].route) == (f"M{number}", None)


def test_line_beyond_the_limit_is_rejected_and_those_around_it_are_read() -> None:
    long = WHOLE.replace(b"/x", b"/" + b"x" * MAX_LINE)
    records, rejected = read(b"\n".join([WHOLE, long, WHOLE]) + b"\n")
    assert (len(records), rejected) == (2, 1)
