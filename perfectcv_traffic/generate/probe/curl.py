"""A request as a command line that runs as printed: secrets come from the environment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import quote_plus

from perfectcv_traffic.generate.encoding import WireRequest
from perfectcv_traffic.record import REQUEST_ID_HEADER, RUN_ID_HEADER, SCENARIO_HEADER
from perfectcv_traffic.shell import quoted

_MARKS: Final = frozenset({REQUEST_ID_HEADER, RUN_ID_HEADER, SCENARIO_HEADER})
_GLOBS: Final = frozenset("[]{}")


def curl(request: WireRequest, shell: Mapping[str, str]) -> str:
    """The command; `shell` has the words for each secret of the request."""
    secrets = {**{quote_plus(text): words for text, words in shell.items()}, **shell}
    return " ".join(["curl -sS -i", *_options(request, secrets), words_of(request.url, secrets)])


def _options(request: WireRequest, secrets: Mapping[str, str]) -> Iterator[str]:
    is_head = request.method == "HEAD"  # curl would wait for the body that no answer to HEAD has
    if is_head:
        yield "--head"
    elif request.method != "GET" or request.content is not None:
        yield f"-X {request.method}"
    if _GLOBS.intersection(request.url):
        yield "--globoff"
    for name, value in request.headers.items():
        if name not in _MARKS:
            # `Name;` is how curl sends a header with an empty value.
            yield f"-H {words_of(f'{name}: {value}' if value else f'{name};', secrets)}"
    if request.content is not None and not is_head:
        # Not --data-binary, which would send a file if the body began with @.
        yield f"--data-raw {words_of(request.content, secrets)}"


def words_of(text: str | bytes, shell: Mapping[str, str]) -> str:
    """`text` quoted for a shell, each secret in it replaced by its words."""
    octets = text.encode() if isinstance(text, str) else text
    for secret in sorted(shell, key=len, reverse=True):
        before, found, after = octets.partition(secret.encode()) if secret else (octets, b"", b"")
        if found:
            outer = [words_of(part, shell) if part else "" for part in (before, after)]
            return shell[secret].join(outer)
    return quoted(octets)
