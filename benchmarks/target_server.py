"""The servers that `generate.py` measures against; each ends when its parent does.

    python benchmarks/target_server.py KIND DESCRIPTOR [SEED]

DESCRIPTOR is an inherited listening socket. KIND: `seeded` (the API with defects), `fastapi` (two
endpoints under uvicorn), `bare` (an answer that costs next to nothing: the client is the limit).
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

TESTS = str(Path(__file__).parents[1] / "tests" / "generate")
HOST = "127.0.0.1"
ITEMS = [{"id": number, "name": "item"} for number in range(3)]
DRAWN_MS = (10.0, 200.0)
"""The least and the most that `/drawn` takes."""
_LOGNORMAL = (math.log(45), 0.65)
"""Mean and standard deviation of the logarithm of its milliseconds."""


def drawn(rng: Random) -> float:
    """Seconds that an answer of `/drawn` takes."""
    least, most = DRAWN_MS
    return min(max(rng.lognormvariate(*_LOGNORMAL), least), most) / 1000


@contextmanager
def started(kind: str, *, port: int = 0, seed: int = 0, core: int | None = None) -> Iterator[str]:
    """A server in a process of its own, on one core; its address."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(1024)
        handle = listener.fileno()
        command = [sys.executable, __file__, kind, str(handle), str(seed)]
        pinned = [] if core is None else ["taskset", "-c", str(core)]
        with subprocess.Popen(
            [*pinned, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=[handle]
        ) as server:
            assert server.stdin is not None
            assert server.stdout is not None
            server.stdout.readline()  # imports are not what is measured
            yield f"http://{HOST}:{listener.getsockname()[1]}"
            server.stdin.close()
            server.wait(10)


def main() -> None:
    kind, listener, seed = sys.argv[1], socket.socket(fileno=int(sys.argv[2])), int(sys.argv[3])
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if kind == "bare":
        asyncio.run(_serve_bare(listener))
    else:
        _serve_app(_seeded(seed) if kind == "seeded" else _two_endpoints(), listener)


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


def _announce() -> None:
    print("ready", flush=True)


def _serve_app(app: Any, listener: socket.socket) -> None:
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False))
    _announce()
    server.run(sockets=[listener])


def _seeded(seed: int) -> Any:
    sys.path.insert(0, TESTS)
    import seeded

    return seeded.build(seed or None)


def _two_endpoints() -> Any:
    from fastapi import FastAPI

    app, rng = FastAPI(), Random(1)

    @app.get("/items")
    async def items() -> list[dict[str, Any]]:
        return ITEMS

    @app.get("/drawn")
    async def take_a_while() -> list[dict[str, Any]]:
        await asyncio.sleep(drawn(rng))
        return ITEMS

    return app


class _Bare(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.buffer = b""

    def data_received(self, data: bytes) -> None:
        *heads, self.buffer = (self.buffer + data).split(b"\r\n\r\n")
        for head in heads:
            self.transport.write(_DOCUMENT if b"/openapi.json" in head[:60] else _LIST)


async def _serve_bare(listener: socket.socket) -> None:
    server = await asyncio.get_running_loop().create_server(_Bare, sock=listener)
    _announce()
    await server.serve_forever()


def _answer(content: Any) -> bytes:
    body = json.dumps(content).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


_LIST = _answer(ITEMS)
_DOCUMENT = _answer(
    {"openapi": "3.1.0", "paths": {"/items": {"get": {"responses": {"200": {"description": ""}}}}}}
)

if __name__ == "__main__":
    main()
