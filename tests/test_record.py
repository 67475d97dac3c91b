import string

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from perfectcv_traffic.record import NullDetail, TokenValidity, TrafficLog, fields

TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=50)
DETAILS = st.builds(
    NullDetail,
    field_name=TEXT,
    field_path=TEXT,
    location=st.sampled_from(["query", "path", "form", "json_body"]),
    kind=st.sampled_from(["json_null", "null_text", "empty"]),
)
RECORDS = st.builds(
    TrafficLog,
    request_id=st.text(string.ascii_letters, min_size=1),
    method=st.none() | TEXT,
    path=TEXT,
    request_headers=st.none() | st.dictionaries(TEXT, TEXT),
    status_code=st.none() | st.integers(100, 599),
    response_time_ms=st.none() | st.floats(0, 1e6),
    token_validity=st.none() | st.sampled_from(TokenValidity),
    token_present=st.none() | st.booleans(),
    null_params_details=st.lists(DETAILS, max_size=3),
)


@given(RECORDS)
def test_record_written_and_read_is_the_same(record: TrafficLog) -> None:
    line = msgspec.json.encode(record)

    assert b"\n" not in line
    assert msgspec.json.decode(line, type=TrafficLog) == record


def test_line_of_an_older_or_newer_version_is_readable() -> None:
    line = b'{"request_id": "a", "field_of_the_future": [1, 2]}'

    assert msgspec.json.decode(line, type=TrafficLog) == TrafficLog(request_id="a")


def test_fields_are_in_the_order_of_the_line() -> None:
    names = [field.name for field in fields()]
    record = TrafficLog(request_id="a", status_code=200, lost_before=1, path="/", method="GET")

    line = msgspec.json.decode(msgspec.json.encode(record))

    assert list(line) == [name for name in names if name in line]
    assert names[:4] == ["request_id", "event_id", "timestamp", "method"]


def test_line_leaves_out_what_has_its_default_in_a_model_of_ones_own_too() -> None:
    class Own(TrafficLog):
        tenant: str | None = None

    line = msgspec.json.encode(Own(request_id="a", status_code=404, null_params_details=[]))

    assert line == b'{"request_id":"a","status_code":404}'
    assert msgspec.json.encode(Own(request_id="a", tenant="b")).endswith(b'"tenant":"b"}')


def test_fields_have_a_meaning_and_a_column_type() -> None:
    by_name = {field.name: field for field in fields()}

    assert [field.name for field in fields() if not field.meaning] == []
    assert by_name["request_bytes"].sql_type == "INTEGER"
    assert by_name["response_time_ms"][1:5] == ("REAL", False, "float?", "ms")
    assert by_name["token_present"].sql_type == "INTEGER"
    assert by_name["request_headers"][1:4] == ("TEXT", True, "dict?")
    assert by_name["null_params_details"][1:4] == ("TEXT", True, "list")


class TenantLog(TrafficLog):
    tenant: str | None = None
    seats: int = 1


def test_field_of_a_subclass_comes_last() -> None:
    added = fields(TenantLog)[len(fields()) :]

    assert [(field.name, field.sql_type) for field in added] == [
        ("tenant", "TEXT"),
        ("seats", "INTEGER"),
    ]
