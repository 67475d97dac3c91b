"""What is sent for each security scheme: nothing, the right secret, or a wrong one.

Secrets come in as one object and leave it only as headers, query or cookies of a request: they
are in no `repr`, no error and no outcome.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.generate.openapi import Location
from perfectcv_traffic.generate.operations import Operation
from perfectcv_traffic.generate.security import SchemeKind, SecurityScheme


class CredentialUse(StrEnum):
    """Which credential a scenario presents. A further one is a case of `_secret`."""

    NONE = "none"
    VALID = "valid"
    INVALID = "invalid"


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

    def __post_init__(self) -> None:
        _check_sendable("token", self.token)
        _check_sendable("API key", self.api_key)
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


@dataclass(frozen=True, slots=True)
class Presented:
    """A credential as parts of a request."""

    headers: dict[str, str] = field(default_factory=dict, repr=False)
    query: dict[str, str] = field(default_factory=dict, repr=False)
    cookies: dict[str, str] = field(default_factory=dict, repr=False)


def present(
    use: CredentialUse, operation: Operation, credentials: Credentials, canary: str
) -> Presented:
    """The credential for one request; `canary` makes a wrong secret unique to it.

    Every scheme the operation names is served, the first one wins a place: FastAPI declares two
    dependencies that must both hold as alternatives.
    """
    presented = Presented()
    for scheme in operation.schemes:
        secret = _secret(use, scheme, credentials, canary)
        if secret is not None:
            _place(presented, scheme, secret)
    return presented


def missing_schemes(operation: Operation, credentials: Credentials) -> tuple[str, ...]:
    """The schemes without a secret when no alternative can be satisfied; else nothing."""
    missing = [
        tuple(one.scheme.name for one in option if credentials.secret_of(one.scheme) is None)
        for option in operation.security
    ]
    return min(missing, key=len, default=())


def _secret(
    use: CredentialUse, scheme: SecurityScheme, credentials: Credentials, canary: str
) -> str | None:
    match use:
        case CredentialUse.VALID:
            return credentials.secret_of(scheme)
        case CredentialUse.INVALID:
            wrong = f"invalid-{canary}"
            return f"invalid:{wrong}" if scheme.kind is SchemeKind.BASIC else wrong
        case CredentialUse.NONE:
            return None


def _place(presented: Presented, scheme: SecurityScheme, secret: str) -> None:
    places = {
        Location.HEADER: presented.headers,
        Location.QUERY: presented.query,
        Location.COOKIE: presented.cookies,
    }
    if scheme.kind is not SchemeKind.OTHER:
        places[scheme.location].setdefault(scheme.field, _written(scheme, secret))


def _written(scheme: SecurityScheme, secret: str) -> str:
    match scheme.kind:
        case SchemeKind.BEARER:
            return f"Bearer {secret}"
        case SchemeKind.BASIC:
            return "Basic " + base64.b64encode(secret.encode()).decode("ascii")
    return secret


def _check_sendable(what: str, secret: str | None) -> None:
    """Refuse what no header can carry, without repeating it."""
    if secret is None:
        return
    if not secret or secret != secret.strip() or not (secret.isascii() and secret.isprintable()):
        raise UsageError(
            f"the {what} cannot be sent in a header: it must be printable ASCII, not empty,"
            " without spaces or line ends around it"
        )
