"""`setup_monitoring`: one call that puts the recorder around an application."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from perfectcv_traffic.capture.compose import Composer
from perfectcv_traffic.capture.middleware import ASGIApp, Recorder
from perfectcv_traffic.capture.writer import Counters, LogWriter
from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.record import TrafficLog
from perfectcv_traffic.settings import Settings

_INSTALLED = "perfectcv_traffic"


class Monitor:
    """The recorder of one application: what it counted, and its ends."""

    def __init__(self, app: ASGIApp, settings: Settings, model: type[TrafficLog]) -> None:
        self.settings = settings
        self._writer = LogWriter(
            Path(settings.log).absolute(),
            Composer(settings, model).compose,
            queue_records=settings.queue_records,
            queue_bytes=settings.queue_bytes,
            flush_interval=settings.flush_interval,
        )
        self.app: ASGIApp = app if settings.disabled else self._around(app)
        """The application to serve: the one given if it could be instrumented in place."""

    @property
    def counters(self) -> Counters:
        """Records written, dropped and failed so far in this process."""
        return self._writer.counters

    def flush(self, timeout: float = 2.0) -> bool:
        """Wait until every finished request is in the log; False if that took too long."""
        return self._writer.flush(timeout)

    def close(self) -> None:
        """Write what waits and end the writer's thread."""
        self._writer.close()

    def _around(self, app: ASGIApp) -> ASGIApp:
        build = getattr(app, "build_middleware_stack", None)
        if build is None:
            return self._recorder(app)
        self._wrap_stack(app, build)
        return app

    def _wrap_stack(self, app: Any, build: Callable[[], ASGIApp]) -> None:
        # Outside every middleware, also those added later: an exception handler's own 500 is seen.
        app.build_middleware_stack = lambda: self._recorder(build())
        if getattr(app, "middleware_stack", None) is not None:
            app.middleware_stack = self._recorder(app.middleware_stack)

    def recorder(self, app: ASGIApp, *, body_limit: int) -> Recorder:
        """A recorder around another application that writes to the same log."""
        return Recorder(app, self._writer, body_limit=body_limit)

    def _recorder(self, app: ASGIApp) -> Recorder:
        return self.recorder(app, body_limit=self.settings.parse_limit)


def setup_monitoring(app: Any, *, model: type[TrafficLog] = TrafficLog, **settings: Any) -> Monitor:
    """Record every request of `app` and its response in the traffic log.

    Works on FastAPI and Starlette applications in place, before or after routes and middleware are
    added; for any other ASGI application serve the `app` of the monitor returned. `settings` are
    the names of `perfectcv_traffic.settings.Settings`. A second call returns the first monitor.
    Raises `UsageError` if a setting cannot be used.
    """
    if not callable(app):
        raise UsageError(f"setup_monitoring needs an ASGI application, not {type(app).__name__}")
    state = getattr(app, "state", None)
    installed = getattr(state, _INSTALLED, None)
    if isinstance(installed, Monitor):
        return installed
    monitor = Monitor(app, Settings.resolve(**settings), model)
    if state is not None:
        setattr(state, _INSTALLED, monitor)
    return monitor
