"""From the raw facts of an exchange to its `TrafficLog`; runs off the event loop."""

from __future__ import annotations

import itertools
import os
import secrets
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from perfectcv_traffic import nulls
from perfectcv_traffic.capture import bodies, credentials, describe, headers, routes
from perfectcv_traffic.capture.bodies import ReadBody
from perfectcv_traffic.capture.client import TrustedProxies
from perfectcv_traffic.capture.credentials import Credential
from perfectcv_traffic.capture.exchange import Exchange
from perfectcv_traffic.capture.headers import Headers
from perfectcv_traffic.record import (
    MAX_NULL_DETAILS,
    RUN_ID_HEADER,
    SCENARIO_HEADER,
    TokenValidity,
    TrafficLog,
)
from perfectcv_traffic.redaction import Redactor
from perfectcv_traffic.settings import Settings

USER_AGENT_LIMIT = 512
_BAD_REQUEST = 400


class Composer:
    """Makes records from exchanges; holds what is fixed for the life of the recorder."""

    def __init__(self, settings: Settings, model: type[TrafficLog] = TrafficLog) -> None:
        self._settings = settings
        self._model = model
        self._redactor = Redactor(settings.redact, settings.keep)
        self._proxies = TrustedProxies(settings.trusted_proxies)
        self._security: dict[Any, tuple[routes.Declared, ...] | None] = {}
        self._login_method, _, self._login_path = settings.uuid_login.partition(" ")
        self._event_prefix = secrets.token_hex(8)
        self._event_pid = os.getpid()
        self._events = itertools.count()

    def compose(self, exchange: Exchange) -> TrafficLog:
        """The record of an exchange."""
        request = headers.decoded(exchange.headers)
        response = headers.decoded(exchange.response_headers)
        query = exchange.query_string.decode("latin-1")
        sent, answered = self._bodies(exchange, request, response)
        found = [*nulls.in_urlencoded(query, "query"), *nulls.in_path(exchange.path_params)]
        record = self._model(
            request_id=exchange.request_id,
            event_id=self._event_id(),
            timestamp=_timestamp(exchange.wall_clock),
            method=exchange.method,
            request_headers=self._headers(request),
            response_headers=self._headers(response),
            request_body=self._cut(sent.text),
            response_body=self._cut(answered.text),
            request_bytes=_request_size(exchange, request),
            response_bytes=0 if exchange.method == "HEAD" else exchange.response_body.size,
            client_ip=self._client_ip(exchange, request),
            user_agent=headers.first(request, "user-agent", USER_AGENT_LIMIT),
            status_code=exchange.status,
            complete=exchange.complete,
            client_disconnected=exchange.client_disconnected,
            error_message=self._error(exchange, answered),
            null_params_count=len(found) + sent.null_count,
            null_params_details=[*found, *sent.nulls][:MAX_NULL_DETAILS],
            null_response_count=answered.null_count,
            null_response_details=answered.nulls,
            nulls_partial=sent.partial or answered.partial,
            rate_limit=headers.rate_limit(response),
            run_id=headers.marker(request, RUN_ID_HEADER),
            scenario=headers.marker(request, SCENARIO_HEADER),
        )
        self._set_url(record, exchange, request, query)
        self._set_token(record, exchange, request, query)
        _set_times(record, exchange)
        record.login_uuid = self._login_uuid(exchange)
        record.request_data_summary = describe.request_summary(record, sent)
        return record

    def _event_id(self) -> str:
        if self._event_pid != os.getpid():  # a forked worker must not repeat its parent's ids
            self._event_pid, self._event_prefix = os.getpid(), secrets.token_hex(8)
        return f"{self._event_prefix}{next(self._events):08x}"

    def _bodies(
        self, exchange: Exchange, request: Headers, response: Headers
    ) -> tuple[ReadBody, ReadBody]:
        pairs = ((exchange.request_body, request), (exchange.response_body, response))
        sent, answered = (
            ReadBody(partial=body.size > 0)
            if body.kept == 0 or headers.first(carried, "content-encoding")
            else bodies.read(
                body.head,
                whole=body.kept == body.size,
                content_type=headers.first(carried, "content-type") or "",
                redactor=self._redactor,
            )
            for body, carried in pairs
        )
        return sent, answered

    def _headers(self, sent: Headers) -> dict[str, str]:
        kept: dict[str, str] = {}
        for name, value in sent[: headers.MAX_HEADERS]:
            shown = self._redactor.header(name, value)[: headers.VALUE_LIMIT]
            kept[name] = f"{kept[name]}, {shown}" if name in kept else shown
        return kept

    def _cut(self, text: str | None) -> str | None:
        limit = self._settings.body_limit
        return text[:limit] if text and limit else None

    def _client_ip(self, exchange: Exchange, request: Headers) -> str | None:
        peer = exchange.client[0] if exchange.client else None
        return self._proxies.client_ip(peer, request)

    def _set_url(
        self, record: TrafficLog, exchange: Exchange, request: Headers, query: str
    ) -> None:
        host = headers.first(request, "host") or _server(exchange)
        raw = exchange.raw_path.decode("latin-1") if exchange.raw_path else exchange.path
        target = f"{raw}?{query}" if query else raw
        record.url = self._redactor.url(f"{exchange.scheme}://{host}{target}")
        record.path = self._redactor.shapes(exchange.path)
        record.query_params = self._redactor.query(query)
        record.route = routes.template(exchange)

    def _set_token(
        self, record: TrafficLog, exchange: Exchange, request: Headers, query: str
    ) -> None:
        declared = self._declared(exchange.route)
        record.auth_required = None if declared is None else bool(declared)
        credential = credentials.find(
            request, dict(parse_qsl(query)), headers.cookies(request), declared or ()
        )
        record.token_present = credential is not None
        record.token_validity = credentials.validity(
            credential, status=exchange.status, auth_required=record.auth_required
        )
        if credential is not None:
            self._describe_token(record, credential)

    def _describe_token(self, record: TrafficLog, credential: Credential) -> None:
        record.token_scheme = credential.scheme
        record.token_source = credential.source
        record.api_token = credentials.mask(credential)
        if record.token_validity is TokenValidity.INVALID:
            record.token_reason = credentials.reason(credential)

    def _declared(self, route: Any) -> tuple[routes.Declared, ...] | None:
        if route is None:
            return None
        key = id(route)  # routes live as long as the application
        if key not in self._security:
            self._security[key] = routes.security(route)
        return self._security[key]

    def _error(self, exchange: Exchange, answered: ReadBody) -> str | None:
        if exchange.error is not None:
            return self._redactor.text(exchange.error)[: describe.ERROR_LIMIT]
        if exchange.status is None:
            return None if exchange.client_disconnected else "no response was sent"
        if exchange.status < _BAD_REQUEST or not answered.text:
            return None
        return describe.error_text(answered.text)

    def _login_uuid(self, exchange: Exchange) -> str | None:
        path = exchange.path.rstrip("/")
        if exchange.method != self._login_method or not path.endswith(self._login_path):
            return None
        try:
            login = msgspec.json.decode(exchange.request_body.head)
        except (msgspec.DecodeError, RecursionError):
            return None
        uuid = login.get("uuid") if isinstance(login, dict) else None
        return uuid[:128] if isinstance(uuid, str) else None


def _request_size(exchange: Exchange, request: Headers) -> int:
    """Bytes received; a body that nobody read counts as the client declared it."""
    unread = exchange.request_body.size == 0 and exchange.received_at is None
    return headers.declared_length(request) if unread else exchange.request_body.size


def _server(exchange: Exchange) -> str:
    if exchange.server is None:
        return "localhost"
    host, port = exchange.server
    return host if port is None else f"{host}:{port}"


def _timestamp(wall_clock: float) -> str:
    moment = datetime.fromtimestamp(wall_clock, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _set_times(record: TrafficLog, exchange: Exchange) -> None:
    for name, moment in (
        ("request_time_ms", exchange.received_at),
        ("ttfb_ms", exchange.responded_at),
        ("response_time_ms", exchange.finished_at),
    ):
        if moment is not None:
            setattr(record, name, round((moment - exchange.started_at) * 1000, 3))
