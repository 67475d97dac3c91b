"""The ASGI gate: admin requests leave the application's way before anything of it runs.

None of the application's middleware sees them (so its CORS rules do not open them), its routes
cannot shadow them, and they are recorded apart: without bodies, without the token, and marked.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import NamedTuple

from perfectcv_traffic.admin.token_guard import Guard, Refusal, without_credentials
from perfectcv_traffic.capture.headers import decoded
from perfectcv_traffic.capture.middleware import ASGIApp, Message, Receive, Scope, Send
from perfectcv_traffic.proxies import TrustedProxies
from perfectcv_traffic.record import ADMIN_SCENARIO, RUN_ID_HEADER, SCENARIO_HEADER

_REFUSAL = "perfectcv_traffic.admin_refusal"
_MARKERS = (SCENARIO_HEADER.lower().encode(), RUN_ID_HEADER.lower().encode())
_PAGE = ("", "/")
"""What anyone may load: the dashboard's page, in which there is no data."""

_SAFE: Sequence[tuple[bytes, bytes]] = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
)


class Gate:
    """Serves the admin endpoints under a prefix, and the application everywhere else."""

    def __init__(
        self,
        app: ASGIApp,
        admin: ASGIApp,
        prefix: str,
        record: Callable[[ASGIApp], ASGIApp],
        guard: Guard,
        proxies: TrustedProxies,
    ) -> None:
        self.app = app
        self._admin = record(_Inside(admin, prefix))
        self._prefix = prefix
        self._guard = guard
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        path = self._within(scope)
        if path is None:
            await self.app(scope, receive, send)
            return
        headers = [(name.lower(), value) for name, value in scope["headers"]]
        refusal = None
        if path not in _PAGE:
            refusal = self._guard.refusal(headers, self._address(scope))
        await self._admin(_recordable(scope, headers, refusal), receive, send)

    def _within(self, scope: Scope) -> str | None:
        """The path below the prefix; None when the request is the application's."""
        if scope["type"] != "http":
            return None
        path: str = scope["path"]
        inner = _below(path, scope.get("root_path", ""))
        return _below(path if inner is None else inner, self._prefix)

    def _address(self, scope: Scope) -> str:
        peer = scope["client"][0] if scope.get("client") else None
        return self._proxies.client_ip(peer, decoded(scope["headers"])) or "unknown"


def _below(path: str, prefix: str) -> str | None:
    """What follows a prefix that ends with a part of the path; None if it does not begin so."""
    rest = path.removeprefix(prefix)
    return rest if path.startswith(prefix) and rest[:1] in ("", "/") else None


class _Anything(NamedTuple):
    """The route of what no admin endpoint took: by it the record is known as the gate's."""

    path: str = "/{path}"


_ANYTHING = _Anything()


class _Inside:
    """The admin application as a mount would call it, or the refusal."""

    def __init__(self, admin: ASGIApp, prefix: str) -> None:
        self._admin = admin
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *_SAFE]}
            await send(message)

        root = scope.get("root_path", "")
        scope["app_root_path"] = scope.get("app_root_path", root)
        scope["root_path"] = root + self._prefix
        # A proxy that strips its prefix leaves a path without it, which routing would not find
        # below a root path that has it.
        if _below(scope["path"], root) is None:
            scope["path"] = root + scope["path"]
        refusal: Refusal | None = scope[_REFUSAL]
        scope["route"] = _ANYTHING
        if refusal is None:
            await self._admin(scope, receive, send_safely)
        else:
            await _refuse(refusal, send_safely)


def _recordable(scope: Scope, headers: list[tuple[bytes, bytes]], refusal: Refusal | None) -> Scope:
    """The scope with which an admin request is recorded and answered."""
    kept = [pair for pair in without_credentials(headers) if pair[0] not in _MARKERS]
    mark = (SCENARIO_HEADER.lower().encode(), ADMIN_SCENARIO.encode())
    return {**scope, "headers": [*kept, mark], _REFUSAL: refusal}


async def _refuse(refusal: Refusal, send: Send) -> None:
    body = json.dumps({"status": "error", "detail": refusal.detail}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        *((name.lower().encode(), value.encode()) for name, value in refusal.headers),
    ]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
