"""The recorder around an application: `setup_monitoring` without what stands above it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio.to_thread
import msgspec

from perfectcv_traffic.capture import composing_child, shutdown
from perfectcv_traffic.capture.append_only_log import AppendOnlyLog
from perfectcv_traffic.capture.batch_recorder import BatchRecorder
from perfectcv_traffic.capture.compose import Composer
from perfectcv_traffic.capture.composing_child import ComposingChild
from perfectcv_traffic.capture.extensions import Extensions
from perfectcv_traffic.capture.ingester import Ingester
from perfectcv_traffic.capture.middleware import ASGIApp, Recorder
from perfectcv_traffic.capture.outcome import Counters
from perfectcv_traffic.capture.routes import RouteTable
from perfectcv_traffic.capture.sampler import Sampler
from perfectcv_traffic.capture.writer import LogWriter, QueueLimits
from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.settings import Settings

_INSTALLED = "perfectcv_traffic"


class Monitor:
    """The recorder of one application: what it counted, and its ends."""

    def __init__(self, app: ASGIApp, settings: Settings, extensions: Extensions) -> None:
        self.settings = settings
        self.counters = Counters()
        """What the recorder did so far in this process."""
        self.log = Path(settings.log).absolute()
        """The traffic log."""
        self._db = Path(settings.db).absolute()
        self._model = extensions.model
        with_child = settings.ingest == "child"
        self._ingester = Ingester(self.log, self._db, self._model) if with_child else None
        self._routes = RouteTable(app)
        self._keep_scope = extensions.enrich is not None
        here, self._composing_child = _recording(settings, extensions, self.log)
        limits = QueueLimits(settings.queue_records, settings.queue_bytes, settings.flush_interval)
        self._writer = LogWriter(
            self._composing_child or here, limits, self.counters, self._ingester
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
        """Write what waits, end the writer's thread and the child processes."""
        self._writer.close()
        for process in (self._composing_child, self._ingester):
            if process is not None:
                process.stop()

    async def shutdown(self) -> None:
        """What the application's shutdown waits for: the log whole, the analysis if wanted."""
        await anyio.to_thread.run_sync(self._shut_down)

    def _shut_down(self) -> None:
        self.flush()
        if self.settings.analyze_on_shutdown:
            self.close()  # its ingester would hold the log
            output = Path(self.settings.output).absolute()
            shutdown.analyze(self.log, self._db, output, self._model)

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
        return self._recorder(app, keeps_bodies=False)

    def _recorder(self, app: ASGIApp, *, keeps_bodies: bool = True) -> Recorder:
        wanted = keeps_bodies and self.settings.capture_bodies
        return Recorder(
            app,
            self._writer,
            self._routes,
            on_shutdown=self.shutdown,
            body_limit=self.settings.parse_limit if wanted else 0,
            keep_scope=self._keep_scope,
        )


def _recording(
    settings: Settings, extensions: Extensions, log: Path
) -> tuple[BatchRecorder, ComposingChild | None]:
    """Who records in this process, and the child that does it instead if there may be one."""
    settings = msgspec.structs.replace(settings, log=str(log))
    here = BatchRecorder(AppendOnlyLog(log), Sampler(settings), Composer(settings, extensions))
    # The application's own functions and types are in this process only.
    is_elsewhere = settings.composing == "child" and extensions.are_none
    with_child = is_elsewhere and composing_child.IS_SUPPORTED
    return here, ComposingChild(settings, here) if with_child else None


def installed(app: Any) -> Monitor | None:
    """The monitor of an application that has one already."""
    found = getattr(getattr(app, "state", None), _INSTALLED, None)
    return found if isinstance(found, Monitor) else None


def install(app: Any, settings: Settings, extensions: Extensions) -> Monitor:
    """Put the recorder around an application. Raises `UsageError` if it is none."""
    if not callable(app):
        raise UsageError(f"setup_monitoring needs an ASGI application, not {type(app).__name__}")
    monitor = Monitor(app, settings, extensions)
    state = getattr(app, "state", None)
    if state is not None:
        setattr(state, _INSTALLED, monitor)
    return monitor
