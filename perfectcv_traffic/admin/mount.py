"""Puts the admin endpoints beside a monitored application."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import FastAPI

from perfectcv_traffic.admin import api, geo
from perfectcv_traffic.admin.database import Database
from perfectcv_traffic.admin.endpoints import Endpoints
from perfectcv_traffic.admin.freshness import Freshness
from perfectcv_traffic.admin.gate import Gate
from perfectcv_traffic.admin.token_guard import Guard
from perfectcv_traffic.capture.middleware import ASGIApp
from perfectcv_traffic.capture.monitor import Monitor
from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.proxies import TrustedProxies
from perfectcv_traffic.record import TrafficLog


def mount(app: Any, monitor: Monitor, model: type[TrafficLog]) -> None:
    """Serve the admin endpoints where the settings of `monitor` say.

    FastAPI and Starlette applications get them in place; for any other the monitor's `app` does.
    Raises `UsageError` if the application has routes of its own there.
    """
    settings = monitor.settings
    _refuse_conflict(app, settings.admin_prefix)
    admin = _build(monitor, model)
    _refuse_words(settings.admin_token)
    guard = Guard(settings.admin_token)
    proxies = TrustedProxies(settings.trusted_proxies)

    def gate(inner: ASGIApp) -> Gate:
        record = monitor.recorder_without_bodies
        return Gate(inner, admin, settings.admin_prefix, record, guard, proxies)

    _put_outside(app, monitor, gate)
    if settings.admin_openapi:
        _show(app, admin, settings.admin_prefix)


def _refuse_words(token: str) -> None:
    if len(token.split()) > 1:  # the token itself is not repeated: it is a secret
        raise UsageError("admin_token holds a space, which a Bearer token cannot: give one word")


def _build(monitor: Monitor, model: type[TrafficLog]) -> FastAPI:
    settings = monitor.settings
    endpoints = Endpoints(
        Database(Path(settings.db).absolute()),
        Freshness(Path(settings.log).absolute(), monitor.flush, monitor.prompt_ingester),
        settings,
        model,
        counters=lambda: monitor.counters,
        locate=geo.locator(settings.geoip),
    )
    return api.build(endpoints, model, with_metrics=settings.admin_metrics)


def _put_outside(app: Any, monitor: Monitor, gate: Any) -> None:
    build = getattr(app, "build_middleware_stack", None)
    if build is None:
        monitor.app = gate(monitor.app)
        return
    app.build_middleware_stack = lambda: gate(build())
    if getattr(app, "middleware_stack", None) is not None:
        app.middleware_stack = gate(app.middleware_stack)


def _refuse_conflict(app: Any, prefix: str) -> None:
    for route in getattr(app, "routes", ()):
        path = getattr(route, "path", "")
        if path == prefix or path.startswith(f"{prefix}/"):
            raise UsageError(
                f"admin_prefix {prefix}: the application has a route {path} there; choose another "
                "prefix"
            )


def _show(app: Any, admin: FastAPI, prefix: str) -> None:
    """Add the admin endpoints to the application's own OpenAPI document."""
    own = getattr(app, "openapi", None)
    if own is None:
        return

    def openapi() -> dict[str, Any]:
        document: dict[str, Any] = own()
        added = admin.openapi()
        paths = document.setdefault("paths", {})
        paths |= {f"{prefix}{path}": item for path, item in added["paths"].items()}
        components = document.setdefault("components", {})
        for kind, named in added.get("components", {}).items():
            components[kind] = {**named, **components.get(kind, {})}
        return document

    app.openapi = openapi
