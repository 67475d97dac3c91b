"""`setup_monitoring`: the recorder around an application and, if asked for, its admin endpoints.

It stands above both so that neither knows the other: the recorder never imports the admin
endpoints, and a process that configures no admin token never imports SQLite.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from perfectcv_traffic.capture.extensions import Enrich, Extensions
from perfectcv_traffic.capture.monitor import Monitor, install, installed
from perfectcv_traffic.capture.verifier import VerifyToken
from perfectcv_traffic.record import TrafficLog
from perfectcv_traffic.settings import Settings

_MOUNTED = "perfectcv_traffic_admin"


def setup_monitoring(
    app: Any,
    *,
    model: type[TrafficLog] = TrafficLog,
    enrich: Enrich | None = None,
    verify_token: VerifyToken | None = None,
    redact_text: Callable[[str], str] | None = None,
    **settings: Any,
) -> Monitor:
    """Record every request of `app` and its response in the traffic log.

    Works on FastAPI and Starlette applications in place, before or after routes and middleware are
    added; for any other ASGI application serve the `app` of the monitor returned. `settings` are
    the names of `perfectcv_traffic.settings.Settings`; the other arguments are explained in
    `docs/recorder.md`. With an `admin_token` the admin endpoints are served beside the application
    (`docs/admin.md`). A second call returns the first monitor. Raises `UsageError` if a setting
    cannot be used.
    """
    monitor = installed(app)
    if monitor is None:
        extensions = Extensions(model, enrich, verify_token, redact_text)
        monitor = install(app, Settings.resolve(**settings), extensions)
    wanted = monitor.settings.admin_token.strip() and not monitor.settings.disabled
    state = getattr(app, "state", None)
    if wanted and not getattr(state, _MOUNTED, False):
        from perfectcv_traffic.admin.mount import mount

        mount(app, monitor, model)
        if state is not None:
            setattr(state, _MOUNTED, True)
    return monitor
