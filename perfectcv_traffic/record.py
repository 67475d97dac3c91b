"""The traffic record: every field declared once.

The log line, the columns of `api_requests`, the insert and the reference in `docs/record.md` all
derive from `TrafficLog`. A project adds a field by subclassing it; the column appears by itself.
"""

from __future__ import annotations

import types
import typing
from enum import StrEnum
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

# Headers by which `generate` marks its traffic, so that the recorder can tell it apart.
REQUEST_ID_HEADER = "X-Request-ID"
RUN_ID_HEADER = "X-Traffic-Run"
SCENARIO_HEADER = "X-Traffic-Scenario"

ADMIN_SCENARIO = "admin"
"""Marks the records of admin requests; believed only together with their path."""

MASKED_WHOLE = "***"
"""An `api_token` that shows nothing of the credential: it is everybody's and names no client."""

USER_AGENT_LIMIT = 512
"""Characters of a User-Agent that are kept."""

FIRST_ERROR_STATUS = 400
"""Status codes from here on say that a request did not succeed."""

MAX_NULL_DETAILS = 100
"""Null details kept per direction of one record; the true total is kept beside them."""


class TokenValidity(StrEnum):
    """What is known of the credential that a request carried."""

    ABSENT = "absent"
    VALID = "valid"
    INVALID = "invalid"
    UNKNOWN = "unknown"


class TokenReason(StrEnum):
    """Why a credential is taken to be invalid."""

    EXPIRED = "expired"
    MALFORMED = "malformed"
    BAD_SIGNATURE = "bad_signature"
    REJECTED = "rejected"


class NullDetail(msgspec.Struct, frozen=True, kw_only=True):
    """One null value: where it was and which kind of null it was."""

    field_name: str
    field_path: str
    location: Literal["query", "path", "form", "json_body"]
    kind: Literal["json_null", "null_text", "empty"]


def _means(meaning: str, unit: str = "") -> msgspec.Meta:
    return msgspec.Meta(description=meaning, extra={"unit": unit})


Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
"""A whole number that SQLite can hold."""


class TrafficLog(msgspec.Struct, omit_defaults=True):
    """One request and its response, redacted: a line of `api_traffic.log`, a row of `api_requests`.

    `None` means "not recorded" (a foreign log does not carry everything), never "no" or zero. A
    line leaves out the fields that have their default; a row has all.
    """

    request_id: Annotated[
        str, _means("incoming X-Request-ID if well-formed, else a new UUID4; echoed to the client")
    ]
    event_id: Annotated[
        str | None, _means("this line's own identity, chosen by the recorder, never by a client")
    ] = None
    timestamp: Annotated[
        str | None, _means("start of the request, UTC, fixed width 2026-11-21T22:05:00.123456Z")
    ] = None
    method: Annotated[str | None, _means("HTTP request method, as sent")] = None
    url: Annotated[
        str | None, _means("scheme://host/path?query as the client saw it, secrets redacted")
    ] = None
    path: Annotated[str, _means("decoded URL path, secrets redacted")] = ""
    http_version: Annotated[str | None, _means("HTTP version of the request: 1.0, 1.1, 2, 3")] = (
        None
    )
    route: Annotated[
        str | None, _means("full route template; null when no route matched or none is known")
    ] = None
    query_params: Annotated[str, _means("raw query string, secrets redacted")] = ""
    request_headers: Annotated[
        dict[str, str] | None, _means("request headers, lower-case names, secrets redacted")
    ] = None
    response_headers: Annotated[
        dict[str, str] | None, _means("response headers, lower-case names, secrets redacted")
    ] = None
    request_body: Annotated[
        str | None, _means("request body: redacted first, then cut to body_limit characters")
    ] = None
    response_body: Annotated[
        str | None, _means("response body: redacted first, then cut to body_limit characters")
    ] = None
    request_body_note: Annotated[
        str | None,
        _means("how the body kept differs from the one sent: cut, not_read, line_cut, ..."),
    ] = None
    response_body_note: Annotated[
        str | None, _means("how the body kept differs from the one sent: cut, file, line_cut, ...")
    ] = None
    request_bytes: Annotated[
        Count | None,
        _means("size of the request body received; null when it was not read", "bytes"),
    ] = None
    response_bytes: Annotated[
        Count | None, _means("size of the response body; of a file the one declared", "bytes")
    ] = None
    client_ip: Annotated[str | None, _means("client address, taken from trusted proxies only")] = (
        None
    )
    user_agent: Annotated[
        str | None, _means(f"User-Agent header, at most {USER_AGENT_LIMIT} characters")
    ] = None
    auth_required: Annotated[
        bool | None, _means("whether the matched route declares a security scheme; null if unknown")
    ] = None
    token_present: Annotated[
        bool | None, _means("a credential of any kind was sent; null when not recorded")
    ] = None
    token_scheme: Annotated[str | None, _means("bearer, basic, api_key, or another scheme")] = None
    token_source: Annotated[
        str | None, _means("where the credential was: header:NAME, query:NAME or cookie:NAME")
    ] = None
    token_validity: Annotated[
        TokenValidity | None,
        _means("absent, valid, invalid or unknown; null when not recorded"),
    ] = None
    token_reason: Annotated[
        TokenReason | None, _means("expired, malformed, bad_signature or rejected")
    ] = None
    api_token: Annotated[
        str | None,
        _means(f"masked credential: first 4 + ... + last 4; short ones and Basic {MASKED_WHOLE}"),
    ] = None
    status_code: Annotated[
        Count | None, _means("HTTP status; null when the client left before a response started")
    ] = None
    request_time_ms: Annotated[
        float | None, _means("until the request body was received", "ms")
    ] = None
    ttfb_ms: Annotated[float | None, _means("until the response started", "ms")] = None
    response_time_ms: Annotated[
        float | None, _means("until the response was handed over whole", "ms")
    ] = None
    complete: Annotated[
        bool | None, _means("the response was sent to its end; null when not recorded")
    ] = None
    client_disconnected: Annotated[
        bool | None, _means("the client went away before the end of the response")
    ] = None
    error_message: Annotated[
        str | None, _means("exception type and message, or the error text of a 4xx/5xx body")
    ] = None
    null_params_count: Annotated[Count, _means("null values found in the request", "values")] = 0
    null_params_details: Annotated[
        list[NullDetail], _means(f"the first {MAX_NULL_DETAILS} of them: name, path, kind")
    ] = []
    null_response_count: Annotated[Count, _means("null values found in the response", "values")] = 0
    null_response_details: Annotated[
        list[NullDetail], _means(f"the first {MAX_NULL_DETAILS} of them: name, path, kind")
    ] = []
    nulls_partial: Annotated[
        bool, _means("a body was not searched for nulls to its end: too large, encoded, not read")
    ] = False
    request_data_summary: Annotated[str, _means("what was asked for, for people")] = ""
    rate_limit: Annotated[
        dict[str, str] | None, _means("rate-limit headers that the application sent")
    ] = None
    trace_id: Annotated[str | None, _means("trace id of the W3C traceparent header")] = None
    weight: Annotated[
        float, _means("requests that this record stands for: 1 / sample_rate if kept by chance")
    ] = 1.0
    lost_before: Annotated[
        Count, _means("requests of this process lost since its previous line", "requests")
    ] = 0
    login_uuid: Annotated[str | None, _means("the UUID of a login by UUID")] = None
    run_id: Annotated[str | None, _means("the `generate` run that sent the request")] = None
    scenario: Annotated[str | None, _means("the `generate` scenario of the request")] = None


class Field(NamedTuple):
    """A record field as storage and documentation see it."""

    name: str
    sql_type: Literal["TEXT", "INTEGER", "REAL"]
    is_json: bool
    """Stored as JSON text: the value is a list or an object."""
    type_name: str
    unit: str
    meaning: str
    kind: type
    """The type of a value that is not null, without what a list or an object holds."""


_SQL_TYPES: dict[type, Literal["TEXT", "INTEGER", "REAL"]] = {
    bool: "INTEGER",
    int: "INTEGER",
    float: "REAL",
}


def fields(model: type[TrafficLog] = TrafficLog) -> tuple[Field, ...]:
    """The fields of `model` in declaration order, those of a subclass last."""
    hints = typing.get_type_hints(model, include_extras=True)
    return tuple(_field(name, hints[name]) for name in model.__struct_fields__)


def _field(name: str, hint: Any) -> Field:
    meta = _meta(hint)
    core = hint.__origin__ if meta else hint
    options = [arg for arg in _alternatives(core) if arg is not types.NoneType]
    optional = "?" if len(options) < len(_alternatives(core)) else ""
    bare = getattr(options[0], "__origin__", options[0])  # without list[...] or Annotated[...]
    plain = typing.get_origin(bare) or bare
    return Field(
        name=name,
        sql_type=_SQL_TYPES.get(plain, "TEXT"),
        is_json=plain in (list, dict),
        type_name="str" + optional if issubclass(plain, StrEnum) else plain.__name__ + optional,
        unit=(meta.extra or {}).get("unit", "") if meta else "",
        meaning=(meta.description or "") if meta else "",
        kind=plain,
    )


def _meta(hint: Any) -> msgspec.Meta | None:
    """What `_means` says of a field; innermost limits come first, the meaning last."""
    metas = [m for m in getattr(hint, "__metadata__", ()) if isinstance(m, msgspec.Meta)]
    return metas[-1] if metas else None


def _alternatives(hint: Any) -> tuple[Any, ...]:
    origin = typing.get_origin(hint)
    return typing.get_args(hint) if origin in (typing.Union, types.UnionType) else (hint,)
