"""From an exchange to its facts: what only the application's process knows is settled here.

That is the matched route and what it declares; nothing else is read, decoded or masked.
"""

from __future__ import annotations

import itertools
import os
import secrets
from typing import Any

from perfectcv_traffic.capture.exchange import Body, Exchange
from perfectcv_traffic.capture.facts import Captured, Facts
from perfectcv_traffic.capture.routes import RouteTable


class FactsReader:
    """Turns exchanges into facts; in the application's process, off the event loop."""

    def __init__(self, app: Any = None) -> None:
        self._routes = RouteTable(app)
        self._event_prefix = secrets.token_hex(8)
        self._event_pid = os.getpid()
        self._events = itertools.count()

    def read(self, exchange: Exchange) -> Facts:
        """The facts of an exchange that is over."""
        values = exchange.path_params
        return Facts(
            exchange.request_id,
            self._event_id(),
            exchange.method,
            exchange.scheme,
            exchange.http_version,
            exchange.path,
            exchange.raw_path,
            exchange.root_path,
            exchange.query_string,
            exchange.headers,
            exchange.client,
            exchange.server,
            {name: str(value) for name, value in values.items()} if values else {},
            self._routes.template(exchange),
            self._routes.security(exchange),
            _captured(exchange.request_body),
            exchange.wall_clock,
            exchange.started_at,
            exchange.received_at,
            exchange.responded_at,
            exchange.finished_at,
            exchange.status,
            exchange.response_headers or [],
            _captured(exchange.response_body),
            exchange.complete,
            exchange.sent_as_file,
            exchange.client_disconnected,
            exchange.answered_nobody,
            exchange.bodies_dropped,
            exchange.error,
            exchange.scope,
        )

    def _event_id(self) -> str:
        if self._event_pid != os.getpid():  # a forked worker must not repeat its parent's ids
            self._event_pid, self._event_prefix = os.getpid(), secrets.token_hex(8)
        return f"{self._event_prefix}{next(self._events):08x}"


def _captured(body: Body) -> Captured:
    return Captured(body.head, body.size)
