"""A request as a command line that runs as printed: secrets come from the environment."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from urllib.parse import quote_plus

from perfectcv_traffic.generate.encoding import WireRequest
from perfectcv_traffic.record import REQUEST_ID_HEADER, RUN_ID_HEADER, SCENARIO_HEADER

_MARKS = frozenset({REQUEST_ID_HEADER, RUN_ID_HEADER, SCENARIO_HEADER})


def curl(request: WireRequest, shell: Mapping[str, str]) -> str:
    """The command; `shell` has the words for each secret of the request."""
    secrets = {**{quote_plus(text): words for text, words in shell.items()}, **shell}
    parts = ["curl -sS -i"]
    if request.method != "GET":
        parts.append(f"-X {request.method}")
    for name, value in request.headers.items():
        if name not in _MARKS:
            # `Name;` is how curl sends a header with an empty value.
            header = f"{name}: {value}" if value else f"{name};"
            parts.append(f"-H {words_of(header, secrets)}")
    if request.content is not None:
        body = request.content.decode("utf-8", "backslashreplace")
        parts.append(f"--data-binary {words_of(body, secrets)}")
    parts.append(words_of(request.url, secrets))
    return " ".join(parts)


def words_of(text: str, shell: Mapping[str, str]) -> str:
    """`text` quoted for a shell, each secret in it replaced by its words."""
    for secret in sorted(shell, key=len, reverse=True):
        before, found, after = text.partition(secret)
        if found and secret:
            outer = [words_of(part, shell) if part else "" for part in (before, after)]
            return shell[secret].join(outer)
    return shlex.quote(text)
