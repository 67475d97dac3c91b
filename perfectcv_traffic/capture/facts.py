"""The raw facts of one exchange as plain data, of which a record is made in whichever process.

They wait as one piece of bytes, not as a tree of objects: those would make every garbage collection
of the application dearer.
"""

from __future__ import annotations

from typing import Any

import msgspec

from perfectcv_traffic.capture.declared import Declared
from perfectcv_traffic.capture.exchange import RawHeaders


class Captured(msgspec.Struct, array_like=True, gc=False):
    """The first bytes of a body, and how many there were in all."""

    head: bytes
    size: int

    @property
    def kept(self) -> int:
        """How many of its bytes were kept."""
        return len(self.head)


class Facts(msgspec.Struct, array_like=True, gc=False):
    """What an `Exchange` gathered. Holds secrets: for memory and pipes, never for a file."""

    request_id: str
    event_id: str
    method: str
    scheme: str
    http_version: str | None
    path: str
    raw_path: bytes | None
    root_path: str
    query_string: bytes
    headers: RawHeaders
    client: tuple[str, int] | None
    server: tuple[str, int | None] | None
    path_params: dict[str, str]
    route: str | None
    declared: tuple[Declared, ...] | None
    request_body: Captured
    wall_clock: float
    started_at: float
    received_at: float | None
    responded_at: float | None
    finished_at: float | None
    status: int | None
    response_headers: RawHeaders
    response_body: Captured
    complete: bool
    sent_as_file: bool
    client_disconnected: bool
    answered_nobody: bool
    bodies_dropped: bool
    error: str | None
    scope: Any = None
    """Only for an application that enriches its records; never leaves its process."""


_decode = msgspec.msgpack.Decoder(Facts).decode
pack = msgspec.msgpack.Encoder().encode
"""Facts as bytes. Raises TypeError, ValueError or OverflowError if they are no plain data."""


def unpack(packed: bytes) -> Facts:
    """Facts of bytes; of odd types where the application or the server chose odd ones."""
    try:
        return _decode(packed)
    except msgspec.ValidationError:
        values = dict(zip(Facts.__struct_fields__, msgspec.msgpack.decode(packed), strict=True))
        for name in ("request_body", "response_body"):
            values[name] = Captured(*values[name])
        if values["declared"] is not None:
            values["declared"] = tuple(Declared(*each) for each in values["declared"])
        return Facts(**values)
