"""The shapes of the answers: what the admin endpoints' OpenAPI document promises."""

from typing import Any, Literal

from pydantic import BaseModel, create_model

from perfectcv_traffic.record import Field, TrafficLog, fields

_TYPES: dict[str, Any] = {"str": str, "int": int, "float": float, "bool": bool}
_ITEMS: dict[str, Any] = {"dict": dict[str, str], "list": list[dict[str, Any]]}


class Answer(BaseModel):
    """What every answer says."""

    status: Literal["success"] = "success"


class Problem(BaseModel):
    """Why a request was not answered; a list names what was wrong with the parameters."""

    status: Literal["error"] = "error"
    detail: str | list[dict[str, Any]]


class RequestLogs(Answer):
    """Recorded requests, newest first; the base of the answer for a record model."""

    total_records: int
    total_is_exact: bool
    limit: int
    offset: int
    count: int


class Endpoint(BaseModel):
    """One endpoint of the statistics."""

    endpoint: str
    requests: int
    errors: int
    avg_response_time_ms: float | None


class Ingest(BaseModel):
    """How complete the statistics are."""

    behind_bytes: int
    lines: int
    stored: int
    duplicate: int
    rejected: int
    blank: int


class RequestStats(Answer):
    """Totals over all recorded requests but the admin endpoints' own."""

    total_requests: int
    by_method: dict[str, int]
    by_status_code: dict[str, int]
    by_token_validity: dict[str, int]
    top_endpoints: list[Endpoint]
    avg_response_time_ms: float | None
    p50_response_time_ms: float | None
    p95_response_time_ms: float | None
    p99_response_time_ms: float | None
    error_count: int
    dropped_count: int
    excluded_count: int
    ingest: Ingest


class NullLog(BaseModel):
    """One null value that was sent or answered."""

    id: int
    request_id: int
    timestamp: str | None
    path: str | None
    client_ip: str | None
    null_type: Literal["request_parameter", "response_field"]
    field_name: str
    field_path: str
    context: dict[str, Any]


class NullLogs(Answer):
    """Null values, newest first."""

    total_records: int
    logs: list[NullLog]


class ClientStats(BaseModel):
    """One client over all windows."""

    client_identifier: str
    total_requests: int
    endpoints_accessed: int
    last_request: str | None
    is_blocked: bool


class EndpointStats(BaseModel):
    """One endpoint that a client requested."""

    endpoint: str
    total_requests: int
    windows: int
    last_request: str | None
    is_blocked: bool


class ClientFilter(BaseModel):
    """The client that was asked for."""

    client_identifier: str


class RateLimits(Answer):
    """All clients."""

    stats: list[ClientStats]


class ClientRateLimits(Answer):
    """One client."""

    filter: ClientFilter
    stats: list[EndpointStats]


class Url(BaseModel):
    """One path as requested."""

    path: str
    access_count: int
    last_accessed: str | None


class UrlStats(Answer):
    """The most requested paths."""

    total_unique_urls: int
    total_accesses: int
    top_urls: list[Url]


class GeoLocation(BaseModel):
    """Where an address is; null where unknown."""

    country: str | None
    country_code: str | None
    region: str | None
    city: str | None
    latitude: float | None
    longitude: float | None
    timezone: str | None
    isp: str | None


class UuidLog(BaseModel):
    """One login attempt by UUID."""

    id: int
    uuid: str
    ip_address: str | None
    timestamp: str | None
    geo_location: GeoLocation
    user_agent: str | None
    success: bool


class UuidLogs(Answer):
    """Login attempts by UUID, newest first."""

    total: int
    limit: int
    offset: int
    count: int
    logs: list[UuidLog]


class Slot(BaseModel):
    """One step of the live series."""

    start: str
    requests: int
    by_class: dict[str, int]
    p95_response_time_ms: float | None


class LimitUse(BaseModel):
    """How much of a limit a client used: announced by the API in its headers, or configured."""

    client_identifier: str
    limit: int
    remaining: int
    used: float
    source: Literal["announced", "configured"]


class HotSpot(BaseModel):
    """A field that was null in many requests."""

    method: str
    endpoint: str
    source: str
    field_path: str
    requests: int
    occurrences: int
    errors: int


class Live(Answer):
    """The last minutes."""

    window_seconds: int
    is_complete: bool
    requests: int
    requests_per_second: float
    error_rate: float
    p95_response_time_ms: float | None
    series: list[Slot]
    clients_near_limit: list[LimitUse]
    null_hot_spots: list[HotSpot]


def request_logs_model(model: type[TrafficLog]) -> type[RequestLogs]:
    """The answer of `/request-logs` for a record model: all its fields, and what was derived."""
    own = {field.name: _typed(field) for field in fields(model)}
    record: Any = create_model(  # type: ignore[call-overload]
        "RequestLog",
        id=(int, ...),
        **own,
        has_null_params=(bool, ...),
        has_null_response=(bool, ...),
    )
    return create_model("RequestLogsAnswer", __base__=RequestLogs, logs=(list[record], ...))


def _typed(field: Field) -> tuple[Any, Any]:
    name = field.type_name.removesuffix("?")
    base = _ITEMS[name] if field.is_json else _TYPES.get(name, Any)
    return (base | None, ...)  # a row of an older version may lack any of them
