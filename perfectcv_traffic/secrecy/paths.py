"""Secrets in paths, by the place that a route's template gives them: `/reset/{token}`."""

from __future__ import annotations

import re
from functools import lru_cache

from perfectcv_traffic.secrecy.names import REDACTED, IsSecret

MAX_REMEMBERED = 4096

_PARAMETER = re.compile(r"\{([^{}:]++)(?::[^{}]*+)?\}")


def without_parameters(path: str, template: str, is_secret: IsSecret, skip: int = 0) -> str:
    """A path without the values of the template's parameters that have secret names.

    `path` is that of a request which the template matches, decoded or not; a slash more or less at
    its end, and the case of its letters, make no difference. `skip` of its steps come before those
    of the template.
    """
    places = [at for at, names in _parameters(template) if any(map(is_secret, names))]
    if not places:
        return path
    steps = path.split("/")
    own, wanted = _count(steps) - skip, _count(template.split("/"))
    if own == wanted:
        for at in places:
            steps[at + skip] = REDACTED
        return "/".join(steps)
    return "/".join(_without_middle(steps, template, wanted, skip))


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
