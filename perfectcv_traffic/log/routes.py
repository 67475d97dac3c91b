"""Routes for access logs, which name none: the API's own templates, or patterns of the user's.

Without either, analyses use the built-in normaliser (`paths.template`) and say that the route is
not known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.paths import remembered

MAX_GROUPS = 1000
"""Different routes that patterns may make; what comes later is left to the normaliser."""

_PARAMETER = re.compile(r"\{([^{}:]+)(:path)?\}")

Find = Callable[[str], str | None]
"""The route of a path, None when none is known."""


def by_templates(templates: Sequence[str]) -> Find:
    """Finds the template that a path matches; one that says more of the path in words wins."""
    compiled = [(_pattern(template), template) for template in sorted(templates, key=_vagueness)]

    @remembered
    def find(path: str) -> str | None:
        return next((template for pattern, template in compiled if pattern.fullmatch(path)), None)

    return find


def by_groups(patterns: Sequence[str]) -> Find:
    """Finds a route by the first pattern that matches: each of its groups becomes a parameter.

    Raises `UsageError` for what is no regular expression, or has no group.
    """
    compiled = [_compiled(pattern) for pattern in patterns]
    known: set[str] = set()

    @remembered
    def find(path: str) -> str | None:
        match = next((found for one in compiled if (found := one.search(path))), None)
        if match is None:
            return None
        route = _without_groups(match)
        if route not in known and len(known) >= MAX_GROUPS:
            return None
        known.add(route)
        return route

    return find


def first_of(finds: Sequence[Find]) -> Find:
    """Asks one after the other."""

    def find(path: str) -> str | None:
        return next((route for one in finds if (route := one(path)) is not None), None)

    return find


def of_openapi(document: Mapping[str, Any]) -> list[str]:
    """The path templates of an OpenAPI document, below the path of each of its servers."""
    servers = document.get("servers") or [{"url": "/"}]
    bases = {urlsplit(str(server.get("url", "/"))).path.rstrip("/") for server in servers}
    return [base + template for base in sorted(bases) for template in document.get("paths") or {}]


def _vagueness(template: str) -> tuple[int, int, str]:
    parameters = _PARAMETER.findall(template)
    return sum(len(template) if tail else 1 for _, tail in parameters), -len(template), template


def _pattern(template: str) -> re.Pattern[str]:
    parts, end = [], 0
    for match in _PARAMETER.finditer(template):
        parts += [re.escape(template[end : match.start()]), ".+" if match[2] else "[^/]+"]
        end = match.end()
    return re.compile("".join([*parts, re.escape(template[end:])]), re.DOTALL)


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise UsageError(f"--group={pattern} is no regular expression: {error}") from error
    if not compiled.groups:
        raise UsageError(
            f"--group={pattern} has no group: put what varies in brackets, /users/(.+)"
        )
    return compiled


def _without_groups(match: re.Match[str]) -> str:
    names = {number: name for name, number in match.re.groupindex.items()}
    path, route, end = match.string, "", 0
    for number in range(1, match.re.groups + 1):
        start, stop = match.span(number)
        if start < end:  # within another group, or not part of the match
            continue
        route += f"{path[end:start]}{{{names.get(number, number)}}}"
        end = stop
    return route + path[end:]
