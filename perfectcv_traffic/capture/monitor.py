"""`setup_monitoring`: one call that puts the recorder around an application."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio.to_thread

from perfectcv_traffic.capture import ingester
from perfectcv_traffic.capture.compose import Composer
from perfectcv_traffic.capture.exchange import Exchange
from perfectcv_traffic.capture.extensions import Enrich, Extensions
from perfectcv_traffic.capture.ingester import Ingester
from perfectcv_traffic.capture.log_file import LogFile
from perfectcv_traffic.capture.middleware import ASGIApp, Recorder
from perfectcv_traffic.capture.selection import Selection
from perfectcv_traffic.capture.verifier import VerifyToken
from perfectcv_traffic.capture.writer import Counters, Limits, LogWriter
from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.record import TrafficLog
from perfectcv_traffic.settings import Settings

_INSTALLED = "perfectcv_traffic"


class Monitor:
    """The recorder of one application: what it counted, and its ends."""

    def __init__(self, app: ASGIApp, settings: Settings, extensions: Extensions) -> None:
        self.settings = settings
        self.counters = Counters()
        """What the recorder did so far in this process."""
        self._log, self._db = Path(settings.log).absolute(), Path(settings.db).absolute()
        self._model = extensions.model
        with_child = settings.ingest == "child"
        self._ingester = Ingester(self._log, self._db, self._model) if with_child else None
        self._keep_scope = extensions.enrich is not None
        limits = Limits(settings.queue_records, settings.queue_bytes, settings.flush_interval)
        self._writer = LogWriter(
            LogFile(self._log),
            _Selected(settings, extensions, self.counters, app),
            limits,
            self.counters,
            self._ingester,
        )
        self.app: ASGIApp = app if settings.disabled else self._around(app)
        """The application to serve: the one given if it could be instrumented in place."""

    def flush(self, timeout: float = 2.0) -> bool:
        """Wait until every finished request is in the log; False if that took too long."""
        return self._writer.flush(timeout)

    def prompt_ingester(self) -> None:
        """Let this process's ingester look at the log now; elsewhere it does at its next poll."""
        if self._ingester is not None:
            self._ingester.prompt()

    def close(self) -> None:
        """Write what waits, end the writer's thread and the ingester."""
        self._writer.close()
        if self._ingester is not None:
            self._ingester.stop()

    async def shutdown(self) -> None:
        """What the application's shutdown waits for: the log whole, the analysis if wanted."""
        await anyio.to_thread.run_sync(self._shut_down)

    def _shut_down(self) -> None:
        self.flush()
        if self.settings.analyze_on_shutdown:
            self.close()  # its ingester would hold the log
            output = Path(self.settings.output).absolute()
            ingester.analyze(self._log, self._db, output, self._model)

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

    def recorder_without_bodies(self, app: ASGIApp) -> Recorder:
        """A recorder around another application that writes to the same log, bodies left out."""
        return Recorder(
            app,
            self._writer,
            on_shutdown=self.shutdown,  # never asked for: the gate passes no lifespan on
            body_limit=0,
            keep_scope=self._keep_scope,
        )

    def _recorder(self, app: ASGIApp) -> Recorder:
        return Recorder(
            app,
            self._writer,
            on_shutdown=self.shutdown,
            body_limit=self.settings.parse_limit if self.settings.capture_bodies else 0,
            keep_scope=self._keep_scope,
        )


class _Selected:
    """The composer, asked only for what is to be recorded."""

    def __init__(
        self, settings: Settings, extensions: Extensions, counters: Counters, app: Any
    ) -> None:
        self._selection = Selection(settings)
        self._composer = Composer(settings, extensions, app)
        self._counters = counters
        self.close = self._composer.close

    def compose(self, exchange: Exchange) -> TrafficLog | None:
        if self._selection.excludes(exchange):
            self._counters.excluded += 1
            return None
        record = self._composer.compose(exchange)
        record.weight = self._selection.weight(record)
        if not record.weight:
            self._counters.sampled_out += 1
            return None
        return record


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
    `docs/recorder.md`. A second call returns the first monitor. Raises `UsageError` if a setting
    cannot be used.
    """
    if not callable(app):
        raise UsageError(f"setup_monitoring needs an ASGI application, not {type(app).__name__}")
    state = getattr(app, "state", None)
    installed = getattr(state, _INSTALLED, None)
    if isinstance(installed, Monitor):
        return installed
    extensions = Extensions(model, enrich, verify_token, redact_text)
    monitor = Monitor(app, Settings.resolve(**settings), extensions)
    if state is not None:
        setattr(state, _INSTALLED, monitor)
    return monitor
