"""Logs on a web server, which gives ranges of them or whole files only."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from perfectcv_traffic.errors import StorageError
from perfectcv_traffic.fold import files, splits
from perfectcv_traffic.fold.pool import SameProcess
from perfectcv_traffic.fold.run import Run

from .conftest import Expected, assert_is, lines, write

if not os.environ.get("CI"):
    pytest.importorskip("aiohttp", reason="pip install 'perfectcv-traffic[remote]'")

Serve = Callable[[type[SimpleHTTPRequestHandler]], str]


class Whole(SimpleHTTPRequestHandler):
    """Gives whole files, like `python -m http.server`."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        """Say nothing."""


class Ranges(Whole):
    """Gives ranges too, as RFC 9110 has it."""

    def end_headers(self) -> None:
        """Say that there are ranges."""
        self.send_header("Accept-Ranges", "bytes")
        super().end_headers()

    def do_GET(self) -> None:
        """A range if one is asked for."""
        asked, path = self.headers.get("Range"), Path(self.translate_path(self.path))
        if asked is None or not path.is_file():
            super().do_GET()
            return
        first, _, last = asked.removeprefix("bytes=").partition("-")
        data = path.read_bytes()
        part = data[int(first) : int(last or len(data)) + 1]
        self.send_response(206)
        self.send_header("Content-Length", str(len(part)))
        self.send_header("Content-Range", f"bytes {first}-{int(first) + len(part) - 1}/{len(data)}")
        self.end_headers()
        self.wfile.write(part)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Serves the folder of the test."""
    with ExitStack() as ends:
        yield lambda handler: ends.enter_context(_served(handler, tmp_path))


@contextmanager
def _served(handler: type[SimpleHTTPRequestHandler], folder: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("handler", [Ranges, Whole])
def test_logs_on_a_web_server_are_folded_in_ranges_if_it_gives_them(
    tmp_path: Path,
    serve: Serve,
    monkeypatch: pytest.MonkeyPatch,
    handler: type[SimpleHTTPRequestHandler],
) -> None:
    monkeypatch.setattr(splits, "LEAST", 4000)
    monkeypatch.setattr(splits, "MOST", 9000)
    written = [lines(range(200 * n, 200 * n + 200)) for n in range(3)]
    for number, (found, suffix) in enumerate(zip(written, ("", "", ".gz"), strict=True)):
        write(tmp_path / f"{number}.log", found, suffix)
    logs = files.found([f"{serve(handler)}/*.log*"])
    assert (len(splits.splits(logs, 1)) > len(logs)) == (handler is Ranges)
    assert_is(Run(logs, SameProcess(), 1).result(), Expected(written))


@pytest.mark.parametrize("name", ["absent.log", "*.absent"])
def test_log_that_a_web_server_does_not_have_is_named(serve: Serve, name: str) -> None:
    address = serve(Whole)
    with pytest.raises(StorageError, match=r"log http://.*absent.* (is not there|does not exist)"):
        files.found([f"{address}/{name}"])


def test_web_server_that_is_not_there_is_named(serve: Serve, tmp_path: Path) -> None:
    with _served(Whole, tmp_path) as address:
        pass
    with pytest.raises(StorageError, match=r"its server is not \(Cannot connect to host"):
        files.found([f"{address}/a.log"])
