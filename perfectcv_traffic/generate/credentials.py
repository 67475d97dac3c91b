"""The secrets of a run, and which of them a scenario uses.

Secrets come in as one object and leave it only as headers, query or cookies of a request: they
are in no `repr`, no error and no outcome.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.generate.operations import Operation
from perfectcv_traffic.generate.security import SchemeKind, SecurityScheme

DEFAULT_VARIABLES: Final = {
    "token": "PCV_TOKEN",
    "api_key": "PCV_API_KEY",
    "password": "PCV_PASSWORD",
    "expired_token": "PCV_EXPIRED_TOKEN",
    "low_token": "PCV_LOW_TOKEN",
    "jwt_secret": "PCV_JWT_SECRET",
}
BASIC_VARIABLE: Final = "PCV_BASIC"
"""Stands for user name and password as HTTP basic writes them."""


class CredentialUse(StrEnum):
    """Which credential a scenario presents; how it is made: `credential_variants.MAKERS`."""

    NONE = "none"
    VALID = "valid"
    INVALID = "invalid"
    MALFORMED = "malformed"
    EMPTY = "empty"
    WRONG_SCHEME = "wrong_scheme"
    EXPIRED = "expired"
    FORGED = "forged"
    LOW_ROLE = "low_role"


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Where a token is had that the document does not tell of: what answers a POST."""

    path: str
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What is sent beside user name and password, or instead of them."""
    pointer: str = "/access_token"
    """Where in the answer the token is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """The secrets of a run. What is given for a scheme by its name comes first."""

    token: str | None = field(default=None, repr=False)
    """For OAuth2, OpenID Connect and HTTP bearer schemes."""
    api_key: str | None = field(default=None, repr=False)
    username: str | None = field(default=None, repr=False)
    """With `password`: for HTTP basic schemes, and for the login at the document's tokenUrl."""
    password: str | None = field(default=None, repr=False)
    by_scheme: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Secrets by scheme name; `user:password` for a basic scheme."""
    expired_token: str | None = field(default=None, repr=False)
    """A token that was right until it expired."""
    low_token: str | None = field(default=None, repr=False)
    """A right token of a user who may do less."""
    jwt_secret: str | None = field(default=None, repr=False)
    """What the API signs its tokens with: an expired one can be made with it."""
    login: Login | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    """The environment variable that each secret came from, for curl lines: `token`, `password`."""

    def __post_init__(self) -> None:
        _check_sendable("token", self.token)
        _check_sendable("API key", self.api_key)
        _check_sendable("expired token", self.expired_token)
        _check_sendable("token of the lower role", self.low_token)
        for name, secret in self.by_scheme.items():
            _check_sendable(f"secret of {name}", secret)

    def secret_of(self, scheme: SecurityScheme) -> str | None:
        """The right secret for `scheme`, if there is one."""
        if scheme.name in self.by_scheme:
            return self.by_scheme[scheme.name]
        match scheme.kind:
            case SchemeKind.BEARER:
                return self.token
            case SchemeKind.API_KEY:
                return self.api_key
            case SchemeKind.BASIC if self.username is not None and self.password is not None:
                return f"{self.username}:{self.password}"
        return None

    def by_variable(self) -> dict[str, str]:
        """The secrets by the environment variable that each came from, or would come from."""
        named = {name: getattr(self, name) for name in DEFAULT_VARIABLES} | dict(self.by_scheme)
        found = {self.variable(name): secret for name, secret in named.items() if secret}
        if self.username is not None and self.password is not None:
            pair = f"{self.username}:{self.password}".encode()
            found[BASIC_VARIABLE] = base64.b64encode(pair).decode("ascii")
        return found

    def variable(self, name: str) -> str:
        """The environment variable that holds a secret, or the one to put it into."""
        return self.variables.get(name, DEFAULT_VARIABLES.get(name, f"PCV_{name.upper()}"))


def missing_schemes(operation: Operation, credentials: Credentials) -> tuple[str, ...]:
    """The schemes without a secret when no alternative can be satisfied; else nothing."""
    missing = [
        tuple(one.scheme.name for one in option if credentials.secret_of(one.scheme) is None)
        for option in operation.security
    ]
    return min(missing, key=len, default=())


def _check_sendable(what: str, secret: str | None) -> None:
    """Refuse what no header can carry, without repeating it."""
    if secret is None:
        return
    if not secret or secret != secret.strip() or not (secret.isascii() and secret.isprintable()):
        raise UsageError(
            f"the {what} cannot be sent in a header: it must be printable ASCII, not empty,"
            " without spaces or line ends around it"
        )
