"""From the raw facts of an exchange to its `TrafficLog`; runs off the event loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path
from urllib.parse import parse_qsl

import msgspec

from perfectcv_traffic import nulls, proxies, timestamps
from perfectcv_traffic.capture import (
    bodies,
    client_address,
    credentials,
    error_message,
    headers,
    timing,
)
from perfectcv_traffic.capture.bodies import BodyReader, ReadBody
from perfectcv_traffic.capture.credentials import Credential, Sources
from perfectcv_traffic.capture.declared_names import DeclaredNames
from perfectcv_traffic.capture.exchange import Body, Exchange
from perfectcv_traffic.capture.extensions import Enricher, Extensions
from perfectcv_traffic.capture.guarded import guarded
from perfectcv_traffic.capture.header_reader import Facts, HeaderReader, Plain, ReadHeaders
from perfectcv_traffic.capture.query import QueryReader, ReadQuery
from perfectcv_traffic.capture.request_summary import SUMMARY_LIMIT, request_summary
from perfectcv_traffic.capture.request_url import shown_url
from perfectcv_traffic.capture.url_headers import UrlHeaders
from perfectcv_traffic.capture.verifier import Verifier
from perfectcv_traffic.proxies import TrustedProxies
from perfectcv_traffic.record import FIRST_ERROR_STATUS, MAX_NULL_DETAILS, TokenValidity, TrafficLog
from perfectcv_traffic.redaction import Redactor
from perfectcv_traffic.secrecy.names import REDACTED
from perfectcv_traffic.settings import Settings

PLAIN_LIMIT = 65_536
"""Characters of a query or form searched for a credential."""

NOTHING = ReadBody()
_EMPTY: dict[str, str] = {}


class Composer:
    """Makes records from exchanges; holds what is fixed for the life of the recorder."""

    def __init__(
        self,
        settings: Settings,
        extensions: Extensions | None = None,
        templates: Iterable[str] = (),
    ) -> None:
        self._settings = settings
        extensions = extensions or Extensions()
        self._model = extensions.model
        given = settings.redact, settings.keep, _redact_text(extensions)
        self._redactor = Redactor(*given)
        # What went wrong may stand at the end of an error, beside the value that was rejected.
        self._rejecting = BodyReader(Redactor(*given, rejecting=True))
        kept = max(settings.body_limit, SUMMARY_LIMIT)
        self._bodies = BodyReader(self._redactor, enough=kept)
        self._proxies = TrustedProxies(settings.trusted_proxies)
        hidden = None if settings.client_ip == "full" else client_address.carries_address
        self._headers = HeaderReader(self._redactor, hidden, noted=credentials.CARRIERS)
        self._queries = QueryReader(self._redactor)
        self._declared = DeclaredNames(settings.keep)
        self._verify = Verifier(extensions.verify_token) if extensions.verify_token else None
        self._is_enriched = extensions.enrich is not None
        self._enrich = Enricher(extensions, self._redactor)
        self._url_headers = UrlHeaders(self._redactor.is_secret, templates)
        self._login_method, _, self._login_path = settings.uuid_login.partition(" ")

    def close(self) -> None:
        """Let go of what belongs to the thread that composed."""
        if self._verify is not None:
            self._verify.close()

    def compose(self, exchange: Exchange) -> TrafficLog:
        """The record of an exchange."""
        record = self._model(
            request_id=exchange.request_id,
            event_id=exchange.event_id,
            timestamp=timestamps.from_epoch(exchange.wall_clock),
            method=exchange.method,
            http_version=exchange.http_version,
            route=exchange.route,
            status_code=None if exchange.answered_nobody else exchange.status,
            complete=exchange.complete and not exchange.answered_nobody,
            client_disconnected=exchange.client_disconnected,
            client_ip=self._client_ip(exchange),
        )
        timing.set_times(record, exchange)
        read = self._headers.read(exchange.headers)
        request = Plain(exchange.headers, read.places)
        self._declared.learn(exchange.declared or ())
        query = self._declared.in_query(self._queries.read(exchange.query_string))
        where = shown_url(exchange, read.facts.host, query.shown, self._redactor)
        record.url, record.path, record.query_params = *where, query.shown
        self._set_headers(record, read)
        sent = self._set_request_body(record, exchange, read, request)
        answered = self._set_response(record, exchange)
        self._url_headers.hide(record, exchange)
        _set_nulls(record, exchange, query, sent, answered)
        self._set_token(record, exchange, self._credential(exchange, read, request, query))
        record.error_message = self._error(exchange, answered)
        record.login_uuid = self._login_uuid(exchange)
        record.request_data_summary = request_summary(record, query.plain, sent)
        self._enrich(record, exchange.scope)
        return record

    def _set_headers(self, record: TrafficLog, read: ReadHeaders) -> None:
        if self._settings.capture_headers:
            record.request_headers = self._own(self._declared.in_headers(read.kept))
        facts = read.facts
        record.user_agent, record.trace_id = facts.user_agent, facts.trace_id
        record.run_id, record.scenario = facts.run_id, facts.scenario

    def _own(self, shared: dict[str, str]) -> dict[str, str]:
        return shared.copy() if self._is_enriched else shared

    def _set_request_body(
        self, record: TrafficLog, exchange: Exchange, read: ReadHeaders, request: Plain
    ) -> ReadBody:
        body, ended = exchange.request_body, exchange.received_at is not None
        if body.size == 0 and not ended and _announces_body(request):
            # Nobody saw how long it is: what the client declared costs it nothing.
            sent = ReadBody(note="not_read", partial=True)
        else:
            record.request_bytes = body.size
            sent = _read_body(exchange, body, read.facts, self._bodies, ended=ended)
        record.request_body, record.request_body_note = self._cut(sent)
        return sent

    def _set_response(self, record: TrafficLog, exchange: Exchange) -> ReadBody:
        read = self._headers.read(exchange.response_headers)
        if self._settings.capture_headers:
            record.response_headers = self._own(read.kept)
        record.rate_limit = read.facts.rate_limit
        body = exchange.response_body
        record.response_bytes = body.size
        answered = NOTHING
        if exchange.method == "HEAD" or exchange.answered_nobody:
            record.response_bytes = 0  # what the application sent all the same went nowhere
        elif exchange.sent_as_file:
            response = Plain(exchange.response_headers, read.places)
            record.response_bytes = headers.declared_length(response.get("content-length"))
            answered = ReadBody(note="file", partial=True)
        else:
            reader = self._answer_reader(exchange.status)
            ended = exchange.complete
            answered = _read_body(exchange, body, read.facts, reader, ended=ended)
        record.response_body, record.response_body_note = self._cut(answered)
        return answered

    def _answer_reader(self, status: int | None) -> BodyReader:
        is_error = status is not None and status >= FIRST_ERROR_STATUS
        return self._rejecting if is_error else self._bodies

    def _cut(self, body: ReadBody) -> tuple[str | None, str | None]:
        """The text kept and its note; called when everything has been read from the whole text."""
        limit = self._settings.body_limit
        if not body.text:
            return None, body.note
        if len(body.text) <= limit:
            return body.text, body.note
        return body.text[:limit] or None, body.note or bodies.CUT

    def _client_ip(self, exchange: Exchange) -> str | None:
        peer = exchange.client[0] if exchange.client else None
        if self._proxies.believes(peer):
            found = self._proxies.client_ip(peer, headers.decoded(exchange.headers))
        else:
            found = proxies.normalise(peer)
        mode = self._settings.client_ip
        if mode == "full":
            return found
        return client_address.anonymised(found, mode, self._key if mode == "hashed" else b"")

    @cached_property
    def _key(self) -> bytes:
        return client_address.install_key(Path(f"{self._settings.log}.key").absolute())

    def _credential(
        self, exchange: Exchange, read: ReadHeaders, request: Plain, query: ReadQuery
    ) -> Credential | None:
        if "authorization" in request:
            sent = credentials.from_authorization(request.get("authorization"))
            if sent is not None:
                return sent
        is_form = read.facts.content_type.startswith(bodies.FORM)
        if not (exchange.declared or read.has_noted or query.may_carry or is_form):
            return None
        form = _form_of(exchange) if is_form else _EMPTY
        return credentials.find(_sources(exchange, request, query, form), exchange.declared or ())

    def _set_token(
        self, record: TrafficLog, exchange: Exchange, credential: Credential | None
    ) -> None:
        declared = exchange.declared
        record.auth_required = None if declared is None else bool(declared)
        record.token_present = credential is not None
        record.token_validity = credentials.validity(
            credential, status=record.status_code, auth_required=record.auth_required
        )
        if credential is not None:
            self._describe_token(record, credential)

    def _describe_token(self, record: TrafficLog, credential: Credential) -> None:
        record.token_scheme = credential.scheme
        record.token_source = credential.source
        record.api_token = credentials.mask(credential)
        said, why = self._verify(credential.value) if self._verify else (None, None)
        record.token_validity = said or record.token_validity
        if record.token_validity is TokenValidity.INVALID:
            record.token_reason = why or credentials.reason(credential)

    def _error(self, exchange: Exchange, answered: ReadBody) -> str | None:
        if exchange.error is not None:
            return self._rejecting.redactor.text(exchange.error)[: error_message.ERROR_LIMIT]
        if exchange.status is None:
            return None if exchange.client_disconnected else "no response was sent"
        if exchange.status < FIRST_ERROR_STATUS or not answered.text:
            return None
        return error_message.of_answer(answered.text)

    def _login_uuid(self, exchange: Exchange) -> str | None:
        path = exchange.path.rstrip("/")
        if exchange.method != self._login_method or not path.endswith(self._login_path):
            return None
        try:
            login = msgspec.json.decode(exchange.request_body.head)
        except (msgspec.DecodeError, RecursionError, ValueError):  # ValueError: no UTF-8
            return None
        uuid = login.get("uuid") if isinstance(login, dict) else None
        return uuid[:128] if isinstance(uuid, str) else None


def _redact_text(extensions: Extensions) -> Callable[[str], str] | None:
    """The application's own redaction; what it cannot judge is blanked."""
    own = extensions.redact_text
    return None if own is None else guarded("redact_text", own, REDACTED)


def _read_body(
    exchange: Exchange, body: Body, said: Facts, reader: BodyReader, *, ended: bool
) -> ReadBody:
    if body.size == 0:
        return NOTHING
    if body.kept == 0:
        return ReadBody(note="dropped" if exchange.bodies_dropped else "off", partial=True)
    return reader.read(body, ended=ended, content_type=said.content_type, encoding=said.encoding)


def _announces_body(request: Plain) -> bool:
    return bool(request.get("content-length").strip("0")) or "transfer-encoding" in request


def _sources(exchange: Exchange, request: Plain, query: ReadQuery, form: dict[str, str]) -> Sources:
    """Where a credential may be; what cannot hold one is not read."""
    asked = any(place.location == "query" for place in exchange.declared or ())
    has_cookie = "cookie" in request
    return {
        "header": request,
        "query": _pairs(query.sent) if query.may_carry or asked else _EMPTY,
        "cookie": headers.cookies(headers.decoded(exchange.headers)) if has_cookie else _EMPTY,
        "form": form,
    }


def _pairs(urlencoded: str) -> dict[str, str]:
    return dict(reversed(parse_qsl(urlencoded[:PLAIN_LIMIT])))


def _form_of(exchange: Exchange) -> dict[str, str]:
    return _pairs(exchange.request_body.head[:PLAIN_LIMIT].decode("latin-1"))


def _set_nulls(
    record: TrafficLog, exchange: Exchange, query: ReadQuery, sent: ReadBody, answered: ReadBody
) -> None:
    found = [*query.nulls, *nulls.in_path(exchange.path_params), *sent.nulls]
    record.null_params_count = len(found) - len(sent.nulls) + sent.null_count
    record.null_params_details = found[:MAX_NULL_DETAILS]
    record.null_response_count = answered.null_count
    record.null_response_details = answered.nulls.copy()
    record.nulls_partial = sent.partial or answered.partial or query.partial
