"""What all tests share: properties that are the same in every CI run, and servers that are not."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import importlib
import lzma
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
from hypothesis import settings

# Elsewhere hypothesis tries other examples each time; a change must not fail for an old reason.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("here", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "here")

# A script that starts the tests with & has them, and what they start, ignore Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

Answer = Callable[[bytes], bytes | type[ConnectionError] | None]
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_ZSTD = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"


class Compression(NamedTuple):
    """A way to compress, and what it can make of the beginning of a file."""

    compress: Callable[[bytes], bytes]
    beginning: Callable[[bytes], bytes]


@pytest.fixture(params=["gzip", "bzip2", "xz", "zstd"])
def compression(request: pytest.FixtureRequest) -> Compression:
    """Every way in which a log may be compressed."""
    zstd = importlib.import_module(_ZSTD)
    return {
        "gzip": Compression(gzip.compress, lambda data: zlib.decompressobj(31).decompress(data)),
        "bzip2": Compression(bz2.compress, lambda data: bz2.BZ2Decompressor().decompress(data)),
        "xz": Compression(lzma.compress, lambda data: lzma.LZMADecompressor().decompress(data)),
        "zstd": Compression(zstd.compress, lambda data: zstd.ZstdDecompressor().decompress(data)),
    }[request.param]


@pytest.fixture
def start() -> Iterator[Callable[[Answer], str]]:
    """Start a server that answers each request head with bytes; None closes the connection,
    `ConnectionResetError` resets it."""
    listeners: list[socket.socket] = []

    def starting(answer: Answer) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        threading.Thread(target=_accept, args=(listener, answer), daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield starting
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@pytest.fixture
def modules_after() -> Callable[[str], set[str]]:
    """Names of the modules loaded by a fresh process that imports the given one."""

    def names(module: str) -> set[str]:
        code = f"import {module}, sys; print(*sys.modules)"
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
        return set(run.stdout.decode().split())

    return names


def _accept(listener: socket.socket, answer: Answer) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(connection, answer), daemon=True).start()


def _serve(connection: socket.socket, answer: Answer) -> None:
    with connection, contextlib.suppress(ConnectionError):
        while head := connection.recv(65536):
            reply = answer(head)
            if reply is None:
                return
            if not isinstance(reply, bytes):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
                return
            connection.sendall(reply)
