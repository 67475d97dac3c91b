"""Does redaction take time in proportion to what a client sends, whatever that is?

For every way into the redactor and every text made to hurt (repeats of each literal of its
patterns, alone and behind what they begin with) the CPU time of 2n characters is divided by that
of n: about 2 where time is linear, 4 where it is quadratic; of several tries the best. Prints the
worst ratio of each way in, its milliseconds per megabyte, and what was sent.

    python benchmarks/hostile.py [characters, 20000]
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from perfectcv_traffic import nulls
from perfectcv_traffic.capture.bodies import BodyReader
from perfectcv_traffic.capture.exchange import Body
from perfectcv_traffic.redaction import Redactor

# fmt: off
LITERALS = (
    "a", "=", "&", "%", "%41", ":", ";", ",", " ", ".", "-", "@", "/", "\\", '"', "'", "(", "[",
    "{", "<", ">", "a ", "eyJ", "eyJ-", "eyJ.", "http://", "http://a:", "http:// @", "a://b:1/",
    "pass", "pin=", "pin: ", "pin='", 'pin="', "pin=[", "pin=\\", 'pin=\\"', "pin=,a", "pin=&a",
    "password", "token ", "Bearer ", "Basic  ", "Cookie: ", "Cookie: a=", "Authorization: Digest ",
    "input_value=", "('pin', ", "<pin>", "<pin>a", "</pin>", "<a pin", '<a name="pin" ', "<pin a=",
    "null", '"a":null,', '{"pin":', '{"name":"pin","value":', '["pin",', "\\u0061", "\n", "\t", "é",
    "İ", "null&", "a=null&", "pin=1&", "%3D", "pin%3D1 ", '\\npin=1', '"\\n",', '{"a":"\\n',
)
# fmt: on
BEGINNINGS = ("", "a", "pin=", "http://", 'pin="', '{"a":"', "<pin>", "İ input_value=", "eyJ")
QUADRATIC = 3.0
TOO_FAST = 0.0005
"""Seconds below which the clock decides."""
TRIES = 5


class Ways(NamedTuple):
    """A way into the redactor."""

    name: str
    read: Callable[[str], object]


def ways() -> list[Ways]:
    redactor, rejecting = Redactor(), Redactor(rejecting=True)
    extra, bodies = Redactor(extra=["national_id"]), BodyReader(redactor)

    def body(kind: str) -> Callable[[str], object]:
        def read(text: str) -> object:
            raw = text.encode()
            sent = Body(raw, len(raw))
            return bodies.read(sent, ended=True, content_type=kind, encoding="")

        return read

    return [
        Ways("header", lambda text: redactor.header("x-a", text)),
        Ways("cookie", lambda text: redactor.header("cookie", text)),
        Ways("referer", lambda text: redactor.header("referer", text)),
        Ways("query", redactor.query),
        Ways("nulls of a query", lambda text: nulls.in_urlencoded(text, "query")),
        Ways("error", rejecting.text),
        Ways("text, own names", extra.text),
        Ways("JSON body", body("application/json")),
        Ways("form", body("application/x-www-form-urlencoded")),
        Ways("text body", body("text/plain")),
    ]


def texts(size: int) -> Iterator[tuple[str, str, str]]:
    """What is sent, at n and at 2n characters."""
    for beginning, literal in itertools.product(BEGINNINGS, LITERALS):
        once = literal * (size // len(literal))
        yield f"{beginning!r} + {literal!r} * n", beginning + once, beginning + once + once


def seconds(read: Callable[[str], object], text: str) -> float:
    start = time.process_time()
    read(text)
    return time.process_time() - start


def ratio(read: Callable[[str], object], short: str, long: str) -> float:
    """How much longer twice as much takes; what looks quadratic is measured again."""
    found = float("inf")
    for _ in range(TRIES):
        first = seconds(read, short)
        if first < TOO_FAST:
            return 0.0
        found = min(found, seconds(read, long) / first)
        if found < QUADRATIC:
            break
    return found


def main() -> None:
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    print(f"{'way in':18} {'worst time(2n)/time(n)':22}  {'slowest, ms per MB':18}")
    for way in ways():
        ratios: list[tuple[float, str]] = []
        costs: list[tuple[float, str]] = []
        for what, short, long in texts(size):
            ratios.append((ratio(way.read, short, long), what))
            costs.append((seconds(way.read, long) / len(long) * 1e9, what))
        worst, slowest = max(ratios), max(costs)
        verdict = "" if worst[0] < QUADRATIC else "  QUADRATIC"
        print(
            f"{way.name:18} {worst[0]:5.2f} {worst[1]:40} {slowest[0]:8.0f} {slowest[1]}{verdict}"
        )


if __name__ == "__main__":
    main()
