"""Secrets in paths, by the place that a route's template gives them: `/reset/{token}`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import unquote

from perfectcv_traffic.secrecy.names import REDACTED, IsSecret

MAX_REMEMBERED = 4096

_PARAMETER = re.compile(r"\{([^{}:]++)(?::[^{}]*+)?\}")


def without_parameters(path: str, template: str, is_secret: IsSecret, skip: int = 0) -> str:
    """A path without the values of the template's parameters that have secret names.

    `path` is that of a request which the template matches, decoded or not; a slash more or less at
    its end, and the case of its letters, make no difference. `skip` of its steps come before those
    of the template.
    """
    places = secret_places(template, is_secret)
    if not places:
        return path
    steps = path.split("/")
    own, wanted = _count(steps) - skip, _count(template.split("/"))
    if own == wanted:
        for at in places:
            steps[at + skip] = REDACTED
        return "/".join(steps)
    return "/".join(_without_middle(steps, template, wanted, skip))


class Templates:
    """Templates with parameters, found by a path's steps.

    A slash more or less at the end, and the case of letters, make no difference. A parameter that
    holds several steps is not known from its template, and not looked for.
    """

    def __init__(self, templates: Iterable[str] = ()) -> None:
        self._by_count: dict[int, list[tuple[tuple[str | None, ...], str]]] = {}
        for template in templates:
            own = tuple(None if "{" in step else step for step in _folded(template))
            self._by_count.setdefault(len(own), []).append((own, template))

    def __bool__(self) -> bool:
        return bool(self._by_count)

    def find(self, path: str) -> str | None:
        """The first template whose paths are like this one, percent-encoded or not."""
        steps = [unquote(step) for step in _folded(path)]
        for own, template in self._by_count.get(len(steps), ()):
            if all(o is None or o == step for o, step in zip(own, steps, strict=True)):
                return template
        return None


@lru_cache(MAX_REMEMBERED)
def secret_places(template: str, is_secret: IsSecret) -> tuple[int, ...]:
    """Which steps of a template have parameters with secret names."""
    return tuple(at for at, names in _parameters(template) if any(map(is_secret, names)))


def _folded(path: str) -> list[str]:
    return path.casefold().strip("/").split("/")


def _without_middle(steps: list[str], template: str, wanted: int, skip: int) -> list[str]:
    """Steps without all that parameters may hold, where some parameter holds several."""
    parameters = _parameters(template)
    behind = wanted - 1 - parameters[-1][0]
    end = max(_count(steps) - behind, 0)
    start = min(parameters[0][0] + skip, end)
    return [*steps[:start], REDACTED, *steps[end:]]


def _count(steps: list[str]) -> int:
    """How many steps there are, without what follows a slash at the end."""
    return len(steps) - (not steps[-1])


@lru_cache(MAX_REMEMBERED)
def _parameters(template: str) -> tuple[tuple[int, tuple[str, ...]], ...]:
    """Which steps of a template have parameters, and their names."""
    found = ((at, _PARAMETER.findall(step)) for at, step in enumerate(template.split("/")))
    return tuple((at, tuple(names)) for at, names in found if names)
