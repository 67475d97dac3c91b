"""Serve an application with the recorder around it, on loopback, until told to stop."""

from __future__ import annotations

import errno
import inspect
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import uvicorn
from uvicorn.importer import ImportFromStringError, import_from_string

from perfectcv_traffic.demo.app import create_app
from perfectcv_traffic.errors import TargetError
from perfectcv_traffic.monitoring import setup_monitoring

HOST = "127.0.0.1"
SHUTDOWN_SECONDS = 5

Announce = Callable[[str], None]


def load(name: str | None) -> Any:
    """The application `module:attribute` names, called if it is a factory; None: the demo API."""
    if name is None:
        return create_app()
    sys.path.insert(0, str(Path.cwd()))
    try:
        found = import_from_string(name)
        made = found() if _is_factory(found) else found
    except ImportFromStringError as error:
        raise TargetError(
            f"application {name}: {str(error).rstrip('.')}: name it module:attribute, of a module"
            " in this directory or an installed one"
        ) from error
    except (Exception, SystemExit) as error:
        why = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise TargetError(f"application {name} cannot be imported: {why}") from error
    if not callable(made):
        raise TargetError(
            f"application {name} is a {type(made).__name__} that cannot be called: name an ASGI"
            " application, or a function that makes one"
        )
    return made


def _is_factory(found: Any) -> bool:
    """A function that can be called without arguments; an ASGI application takes three."""
    if not inspect.isfunction(found):
        return False
    parameters = inspect.signature(found).parameters.values()
    return all(parameter.default is not parameter.empty for parameter in parameters)


def serve(app: Any, *, log: Path, port: int, announce: Announce, until: BinaryIO | None) -> None:
    """Serve until SIGINT, SIGTERM or, if given, the end of the stream `until`.

    `announce` is told the address once the application answers. Port 0 takes a free one. Raises
    `TargetError` if the port is in use or the application does not start.
    """
    listener = _listen(port)
    monitor = setup_monitoring(app, log=log, ingest="off")
    config = uvicorn.Config(
        monitor.app,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    server = _Server(config, announce)
    if until is not None:
        threading.Thread(target=server.stop_at_end_of, args=(until,), daemon=True).start()
    try:
        server.run(sockets=[listener])
    except SystemExit:
        pass  # uvicorn's way to say that the application refused to start
    finally:
        monitor.close()
        listener.close()
    if not server.started:
        raise TargetError("the application did not start, its own messages say why")


class _Server(uvicorn.Server):
    """A server that tells its address once it answers."""

    def __init__(self, config: uvicorn.Config, announce: Announce) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started and sockets:
            host, port = sockets[0].getsockname()[:2]
            self._announce(f"http://{host}:{port}")

    def stop_at_end_of(self, stream: BinaryIO) -> None:
        """Stop when the stream ends: whoever holds its other end is gone, killed or not."""
        while stream.read(1):
            pass
        self.should_exit = True


def _listen(port: int) -> socket.socket:
    # The protocol is named, or asyncio leaves Nagle on: 40 ms for each answer in two writes.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if sys.platform != "win32":  # there it would let two servers share the port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            raise TargetError(
                f"port {port} on {HOST} is in use: stop what uses it, or choose another with --port"
            ) from error
        raise TargetError(f"port {port} on {HOST} cannot be used: {error.strerror}") from error
    return listener
