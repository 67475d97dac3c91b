"""Short bodies that repeat are read once, and nothing of a secret is remembered."""

import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfectcv_traffic.capture.bodies import MAX_SHORT, BodyReader, ReadBody
from perfectcv_traffic.capture.exchange import Body
from perfectcv_traffic.redaction import Redactor

JSON = "application/json"


def read(reader: BodyReader, head: bytes, content_type: str = JSON) -> ReadBody:
    return reader.read(
        Body(head, len(head)), ended=True, content_type=content_type, encoding=""
    )  # fmt: skip


@given(
    bodies=st.lists(
        st.sampled_from([
            b'{"stored":5}', b'{"a":null}', b'{"pin":"4711"}', b"null", b"{", b"", b"\xff\xfe",
            b"a=1&b=", b'"Bearer abcdefgh1"', b"\xef\xbb\xbf{}", '{"é":1}'.encode(),
        ])
        | st.binary(max_size=8)
    ),
    content_type=st.sampled_from([JSON, "text/plain", "", "application/x-www-form-urlencoded"]),
)  # fmt: skip
def test_body_read_again_is_as_read_for_the_first_time(
    bodies: list[bytes], content_type: str
) -> None:
    reader = BodyReader(Redactor())
    for body in bodies + bodies:
        assert read(reader, body, content_type) == read(
            BodyReader(Redactor()), body, content_type
        )  # fmt: skip


def test_same_bytes_of_another_type_are_another_body() -> None:
    reader = BodyReader(Redactor())
    assert read(reader, b'{"a":null}').null_count == 1
    assert read(reader, b'{"a":null}', "text/plain").null_count == 0


@pytest.mark.parametrize("body", [b'{"pin":"x-4711-y"}', b'{"a":"Bearer x-4711-y"}'])
def test_body_with_a_secret_is_not_kept_in_memory(body: bytes) -> None:
    reader = BodyReader(Redactor())
    assert "x-4711-y" not in (read(reader, body).text or "")
    held = [one for one in gc.get_objects() if isinstance(one, dict) and (body, JSON) in one]
    assert not held


def test_own_function_sees_every_text_each_time() -> None:
    seen: list[str] = []

    def note(text: str) -> str:
        seen.append(text)
        return text

    reader = BodyReader(Redactor(also=note))
    read(reader, b'{"a":1}')
    read(reader, b'{"a":1}')
    assert seen.count('{"a":1}') == 2


def test_ever_new_bodies_take_bounded_memory() -> None:
    reader = BodyReader(Redactor())
    for number in range(3 * MAX_SHORT):
        read(reader, b'{"id":%d}' % number)
    largest = max(
        (len(one) for one in gc.get_objects() if isinstance(one, dict) and _is_of(one)), default=0
    )
    assert 0 < largest <= MAX_SHORT


def _is_of(memory: dict[object, object]) -> bool:
    return (b'{"id":%d}' % (3 * MAX_SHORT - 1), JSON) in memory
