"""Requests of `api_traffic.log`, to be sent again.

The log holds no secret. A credential is replaced by the run's own where it was right, and by a
made-up one where it was wrong; what else was blanked or cut leaves the request out.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

import msgspec

from perfectcv_traffic.generate.credentials import Credentials
from perfectcv_traffic.generate.marks import SETUP_SCENARIO
from perfectcv_traffic.generate.operations import LeftOut
from perfectcv_traffic.generate.replay import SCENARIO, Recorded, Recording, sendable_headers
from perfectcv_traffic.generate.target import Target
from perfectcv_traffic.log.reader import chunks_of
from perfectcv_traffic.record import TokenValidity, TrafficLog
from perfectcv_traffic.secrecy.names import REDACTED

MAX_RECORDED: Final = 200_000
"""Requests of a log that are replayed: the first ones."""
_UNREADABLE: Final = "unreadable"
MADE_UP: Final = "made-up-credential-of-a-replay"
_PATH_SAFE: Final = "/:@!$&'()*+,;=~"


@dataclass(frozen=True, slots=True)
class _NotRepeatableError(Exception):
    why: str


def read_log(path: Path, target: Target, credentials: Credentials) -> Recording:
    """The requests of a log, in its order. Raises `StorageError`."""
    found: list[Recorded] = []
    left_out: list[LeftOut] = []
    records = _records(path)
    for record in islice(records, MAX_RECORDED):
        try:
            found.append(_recorded(record, target, credentials))
        except _NotRepeatableError as not_repeatable:
            left_out.append(_left_out(record, not_repeatable.why))
    beyond = f"beyond the first {MAX_RECORDED:,} requests"
    left_out.extend(_left_out(record, beyond) for record in records)
    return Recording(requests=tuple(found), left_out=tuple(left_out))


def _records(path: Path) -> Iterator[TrafficLog]:
    decoder = msgspec.json.Decoder(TrafficLog, strict=False)
    for chunk in chunks_of(path):
        for line in chunk.data.splitlines():
            try:
                yield decoder.decode(line)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                yield TrafficLog(request_id="", path="?", request_body_note=_UNREADABLE)


def _left_out(record: TrafficLog, reason: str) -> LeftOut:
    return LeftOut(method=_method(record), path=record.route or record.path, reason=reason)


def _method(record: TrafficLog) -> str:
    return (record.method or "GET").upper()


def _recorded(record: TrafficLog, target: Target, credentials: Credentials) -> Recorded:
    if record.request_body_note == _UNREADABLE:
        raise _NotRepeatableError("the line is no traffic record")
    if record.scenario == SETUP_SCENARIO:
        raise _NotRepeatableError("it prepared an earlier run")
    query = record.query_params
    headers = sendable_headers((record.request_headers or {}).items())
    headers = {name: value for name, value in headers.items() if REDACTED not in value}
    headers.pop("cookie", None)  # the log has only the names
    content = _content(record)
    query = _authenticated(record, credentials, headers, query)
    if REDACTED in query or REDACTED in record.path:
        raise _NotRepeatableError("its URL was redacted")
    path = _path(record)
    return Recorded(
        method=_method(record),
        path=record.route or record.path,
        url=f"{target.origin}{path}" + (f"?{query}" if query else ""),
        headers=headers,
        content=content,
        scenario=record.scenario or SCENARIO,
        status=record.status_code,
    )


def _path(record: TrafficLog) -> str:
    """The path as it was asked for. Host and path were chosen by whoever sent the request."""
    try:
        path = urlsplit(record.url).path if record.url else quote(record.path, safe=_PATH_SAFE)
    except ValueError as error:
        raise _NotRepeatableError("its URL is not valid") from error
    if path and not path.startswith("/"):
        raise _NotRepeatableError("its URL has no path")
    return path


def _content(record: TrafficLog) -> bytes | None:
    body = record.request_body
    if record.request_body_note is not None:
        raise _NotRepeatableError(f"its body was not kept whole ({record.request_body_note})")
    if body is not None and REDACTED in body:
        raise _NotRepeatableError("its body was redacted")
    content = body.encode() if body is not None else None
    if record.request_bytes and len(content or b"") != record.request_bytes:
        raise _NotRepeatableError("its body was not kept whole")
    return content


def _authenticated(
    record: TrafficLog, credentials: Credentials, headers: dict[str, str], query: str
) -> str:
    """Put the credential where the record had one; the query, which may hold it."""
    if not record.token_present:
        return query
    place, _, name = (record.token_source or "header:authorization").partition(":")
    secret = _secret(record, credentials)
    if place == "query":
        return "&".join(
            f"{name}={quote(secret, safe='')}" if pair.partition("=")[0] == name else pair
            for pair in query.split("&")
        )
    if place == "cookie":
        headers["cookie"] = f"{name}={secret}"
    else:
        headers[name] = _written(record.token_scheme, secret)
    return query


def _written(scheme: str | None, secret: str) -> str:
    if scheme == "basic":
        return "Basic " + base64.b64encode(secret.encode()).decode("ascii")
    return f"Bearer {secret}" if scheme == "bearer" else secret


def _secret(record: TrafficLog, credentials: Credentials) -> str:
    is_basic = record.token_scheme == "basic"
    if record.token_validity == TokenValidity.INVALID:
        return f"{MADE_UP}:{MADE_UP}" if is_basic else MADE_UP
    pair = (
        None
        if credentials.username is None or credentials.password is None
        else f"{credentials.username}:{credentials.password}"
    )
    known = {"bearer": credentials.token, "api_key": credentials.api_key, "basic": pair}
    secret = known.get(record.token_scheme or "")
    if secret is None:
        raise _NotRepeatableError(f"no credential for its scheme ({record.token_scheme})")
    return secret
