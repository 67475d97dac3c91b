"""Which operations a lower role must not reach: those for administrators, and those that ask for
scopes that its token does not have."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from perfectcv_traffic.generate.forge import parse_jwt
from perfectcv_traffic.generate.operations import Operation
from perfectcv_traffic.generate.probe.refusal import REFUSALS

_CLAIMS: Final = ("scope", "scopes", "scp", "permissions")
_HIGH: Final = re.compile("admin|internal|manage|owner|root|staff|super", re.IGNORECASE)
"""Scopes that no lower role is given."""
Scopes = frozenset[str]


@dataclass(slots=True)
class Roles:
    """What is known of the lower role during a run."""

    admin_path: str
    """Pattern of the paths and tags that are for administrators."""
    low_token: str | None = field(repr=False)
    _refused: set[Scopes] = field(default_factory=set)

    def is_for_higher(self, operation: Operation) -> bool:
        """Whether the lower role must be refused there."""
        if self._is_administrative(operation):
            return True
        needed, held = scopes_of(operation), held_scopes(self.low_token)
        return bool(needed) and (held is None or not needed <= held)

    def learn(self, operation: Operation, status: int | None) -> None:
        """Keep which scopes the lower role was refused for."""
        if status in REFUSALS:
            self._refused.add(scopes_of(operation))

    def why_admitted(self, operation: Operation) -> str | None:
        """Why being let in may be right: nothing says that the token lacks these scopes."""
        needed = scopes_of(operation)
        is_certain = (
            self._is_administrative(operation)
            or held_scopes(self.low_token) is not None
            or needed in self._refused
            or any(_HIGH.search(one) for one in needed)
        )
        named = ", ".join(sorted(needed))
        return None if is_certain else f"the token of the lower role may have the scope {named}"

    def _is_administrative(self, operation: Operation) -> bool:
        named = (operation.path, *(tag.lower() for tag in operation.tags))
        return any(re.search(self.admin_path, one) for one in named)


def scopes_of(operation: Operation) -> Scopes:
    """Every scope that an operation names."""
    return frozenset(
        scope for option in operation.security for one in option for scope in one.scopes
    )


def held_scopes(token: str | None) -> Scopes | None:
    """The scopes that a JWT lists; None if it lists none at all."""
    jwt = parse_jwt(token or "")
    claims = jwt.claims if jwt is not None else {}
    listed = [claims[name] for name in _CLAIMS if isinstance(claims.get(name), str | list)]
    if not listed:
        return None
    return frozenset(
        str(scope)
        for one in listed
        for scope in (one.replace(",", " ").split() if isinstance(one, str) else one)
    )
