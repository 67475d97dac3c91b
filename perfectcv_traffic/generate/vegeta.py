"""Requests as JSON lines in vegeta's shape: `{"method", "url", "body" (base64), "header": {...}}`.

https://github.com/tsenart/vegeta#json-format. `$NAME` in a header or URL stands for a secret in
the environment: a file of targets need not hold one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote_plus

import msgspec

from perfectcv_traffic.errors import StorageError, UsageError
from perfectcv_traffic.generate.encoding import WireRequest
from perfectcv_traffic.generate.operations import LeftOut
from perfectcv_traffic.generate.replay import SCENARIO, Recorded, Recording, sendable_headers
from perfectcv_traffic.generate.target import Target, parse_address
from perfectcv_traffic.record import REQUEST_ID_HEADER, RUN_ID_HEADER, SCENARIO_HEADER

_PLACEHOLDER: Final = re.compile(r"\$([A-Z_][A-Z0-9_]*)")
_MARKS: Final = frozenset({REQUEST_ID_HEADER, RUN_ID_HEADER})


class _Line(msgspec.Struct, omit_defaults=True):
    method: str
    url: str
    body: bytes = b""
    header: dict[str, list[str]] = {}


@dataclass(frozen=True, slots=True)
class _MissingError(Exception):
    name: str


def read_targets(path: Path, target: Target, secrets: Mapping[str, str]) -> Recording:
    """The requests of a file; a URL without a host is one of `target`. `secrets` are the variables
    that may stand in it. Raises `StorageError`, `UsageError` with the line."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise StorageError(f"{path} cannot be read ({why}): give a file of targets") from error
    found: list[Recorded] = []
    left_out: list[LeftOut] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        read = _read(line, f"{path}:{number}", target)
        try:
            found.append(_recorded(read, secrets))
        except _MissingError as missing:
            reason = f"environment variable {missing.name} is not set, or is not a named secret"
            where = parse_address(read.url).path
            left_out.append(LeftOut(method=read.method, path=where, reason=reason))
    return Recording(requests=tuple(found), left_out=tuple(left_out))


def write_targets(requests: Iterable[WireRequest]) -> Iterator[str]:
    """Each request as a line; of the marks only the scenario."""
    for one in requests:
        header = {name: [value] for name, value in one.headers.items() if name not in _MARKS}
        line = _Line(method=one.method, url=one.url, body=one.content or b"", header=header)
        yield msgspec.json.encode(line).decode() + "\n"


def _read(line: bytes, where: str, target: Target) -> _Line:
    try:
        read = msgspec.json.decode(line, type=_Line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        shape = '{"method": "GET", "url": "http://127.0.0.1:8000/items"}'
        raise UsageError(f"{where} is no target ({error}): write {shape}") from error
    url = target.base + read.url if read.url.startswith("/") else read.url
    parse_address(url)
    return msgspec.structs.replace(read, method=read.method.upper(), url=url)


def _recorded(line: _Line, secrets: Mapping[str, str]) -> Recorded:
    pairs = [(name, ", ".join(values)) for name, values in line.header.items()]
    named = {name.lower(): value for name, value in pairs}
    headers = sendable_headers((name, _filled(value, secrets)) for name, value in pairs)
    return Recorded(
        method=line.method,
        path=parse_address(line.url).path,
        url=_filled(line.url, {name: quote_plus(one) for name, one in secrets.items()}),
        headers=headers,
        content=line.body or None,
        scenario=named.get(SCENARIO_HEADER.lower(), SCENARIO),
    )


def _filled(text: str, secrets: Mapping[str, str]) -> str:
    def secret(found: re.Match[str]) -> str:
        if found[1] not in secrets:
            raise _MissingError(found[1])
        return secrets[found[1]]

    return _PLACEHOLDER.sub(secret, text)
