"""Rows as text for other programs: NDJSON, CSV, and HTTP Archive."""

from __future__ import annotations

import base64
import importlib.metadata
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from perfectcv_traffic.record import Field, fields
from perfectcv_traffic.render.machine import csv_lines
from perfectcv_traffic.store.schema import DERIVED_COLUMNS

Rows = Iterable[Sequence[Any]]


def ndjson(names: Sequence[str], rows: Rows) -> Iterator[str]:
    """A JSON object for each row, on a line of its own."""
    for row in rows:
        record = dict(zip(names, map(_jsonable, row), strict=True))
        yield json.dumps(record, allow_nan=False) + "\n"


def requests(names: Sequence[str], rows: Rows) -> Iterator[str]:
    """The same for rows of `api_requests`: lists, objects and booleans are what a record has."""
    converts = {field.name: _converts(field) for field in fields()}
    converts |= dict.fromkeys(DERIVED_COLUMNS, bool)
    places = [(at, found) for at, name in enumerate(names) if (found := converts.get(name))]
    return ndjson(names, (_converted(list(row), places) for row in rows))


def _converts(field: Field) -> Callable[[Any], Any] | None:
    if field.is_json:
        return _from_json
    return bool if field.kind is bool else None


def _converted(row: list[Any], places: Sequence[tuple[int, Callable[[Any], Any]]]) -> list[Any]:
    for at, convert in places:
        if row[at] is not None:
            row[at] = convert(row[at])
    return row


def _from_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:  # not of our making
        return text


def csv(names: Sequence[str], rows: Rows) -> Iterator[str]:
    """A table whose text no spreadsheet takes for a formula."""
    return csv_lines(names, ([_jsonable(value) for value in row] for row in rows))


WRITERS: Mapping[str, Callable[[Sequence[str], Rows], Iterator[str]]] = {
    "csv": csv,
    "ndjson": ndjson,
}


def _jsonable(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return None if isinstance(value, float) and not abs(value) < float("inf") else value


def har(names: Sequence[str], rows: Rows) -> Iterator[str]:
    """An HTTP Archive 1.2 of requests, entry by entry; -1 is what it has for unknown."""
    version = importlib.metadata.version("perfectcv-traffic")
    creator = json.dumps({"name": "perfectcv-traffic", "version": version})
    yield f'{{"log": {{"version": "1.2", "creator": {creator}, "entries": ['
    between = "\n"
    for row in rows:
        request = dict(zip(names, row, strict=True))
        if started := _time(request["timestamp"]):  # an entry without a time is none
            yield between + json.dumps(_entry(request, started))
            between = ",\n"
    yield "\n]}}\n"


REQUEST_WRITERS: Mapping[str, Callable[[Sequence[str], Rows], Iterator[str]]] = {
    "csv": csv,
    "har": har,
    "ndjson": requests,
}


def _time(text: str | None) -> str | None:
    """A recorded time as HAR has it; None for what is none."""
    try:
        return datetime.fromisoformat(text or "").isoformat()
    except ValueError:
        return None


def _entry(request: Mapping[str, Any], started: str) -> dict[str, Any]:
    duration = max(request["response_time_ms"] or 0, 0)
    return {
        "startedDateTime": started,
        "time": duration,
        "request": _sent(request),
        "response": _answered(request),
        "cache": {},
        "timings": {"send": 0, "wait": duration, "receive": 0},
        "_requestId": request["request_id"],
    }


def _sent(request: Mapping[str, Any]) -> dict[str, Any]:
    headers = _headers(request["request_headers"])
    sent = {
        "method": request["method"] or "",
        "url": request["url"] or request["path"],
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": headers,
        "queryString": [
            {"name": name, "value": value}
            for name, value in parse_qsl(request["query_params"] or "", keep_blank_values=True)
        ],
        "headersSize": -1,
        "bodySize": _known(request["request_bytes"]),
    }
    if request["request_body"]:
        kind = _value(headers, "content-type")
        sent["postData"] = {"mimeType": kind, "text": request["request_body"]}
    return sent


def _answered(request: Mapping[str, Any]) -> dict[str, Any]:
    headers = _headers(request["response_headers"])
    code, size = request["status_code"] or 0, _known(request["response_bytes"])
    is_registered = code in set(HTTPStatus)
    content = {"size": size, "mimeType": _value(headers, "content-type")}
    if request["response_body"]:
        content["text"] = request["response_body"]
    return {
        "status": code,
        "statusText": HTTPStatus(code).phrase if is_registered else "",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": headers,
        "content": content,
        "redirectURL": _value(headers, "location"),
        "headersSize": -1,
        "bodySize": size,
    }


def _headers(stored: str | None) -> list[dict[str, str]]:
    found: dict[str, str] = json.loads(stored) if stored else {}
    return [{"name": name, "value": value} for name, value in found.items()]


def _value(headers: list[dict[str, str]], name: str) -> str:
    return next((one["value"] for one in headers if one["name"] == name), "")


def _known(size: int | None) -> int:
    return -1 if size is None else size
