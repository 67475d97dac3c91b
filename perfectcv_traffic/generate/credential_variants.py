"""What each security scheme is presented with: nothing, the right secret, or a wrong one.

A wrong credential comes in variants; each knows the shell words that make it from the environment,
so that a curl line holds no secret and runs as printed.
"""

from __future__ import annotations

import base64
import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from perfectcv_traffic.generate.credentials import Credentials, CredentialUse
from perfectcv_traffic.generate.forge import (
    Forged,
    Jwt,
    expired,
    other_key,
    parse_jwt,
    tampered,
    unsigned,
)
from perfectcv_traffic.generate.openapi import Location
from perfectcv_traffic.generate.operations import Operation
from perfectcv_traffic.generate.security import SchemeKind, SecurityScheme

AUTHORIZATION: Final = "Authorization"
_PREFIXES: Final = {SchemeKind.BEARER: "Bearer", SchemeKind.BASIC: "Basic"}


@dataclass(frozen=True, slots=True)
class Presented:
    """A credential as parts of a request."""

    headers: dict[str, str] = field(default_factory=dict, repr=False)
    query: dict[str, str] = field(default_factory=dict, repr=False)
    cookies: dict[str, str] = field(default_factory=dict, repr=False)
    shell: dict[str, str] = field(default_factory=dict, repr=False, compare=False)
    """Shell words for each secret among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way to present a credential: the whole text of the header, parameter or cookie."""

    label: str
    text: str = field(repr=False)
    shell: dict[str, str] = field(default_factory=dict, repr=False)
    is_elsewhere: bool = False
    """In the Authorization header, although the scheme has another place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a variant is made from."""

    scheme: SecurityScheme
    credentials: Credentials
    canary: str
    """Makes a made-up secret recognisable."""

    @property
    def secret(self) -> str | None:
        """The right secret."""
        return self.credentials.secret_of(self.scheme)

    @property
    def jwt(self) -> Jwt | None:
        """The right secret as a JWT, if it is one: a key in a header or cookie may be, too."""
        is_basic = self.scheme.kind is SchemeKind.BASIC
        return None if is_basic else parse_jwt(self.secret or "")

    @property
    def takes_token(self) -> bool:
        """Whether the scheme carries tokens that name a user and expire."""
        return self.scheme.kind is SchemeKind.BEARER or self.jwt is not None

    @property
    def prefix(self) -> str | None:
        """`Bearer` or `Basic`; None for a bare key."""
        return _PREFIXES.get(self.scheme.kind)


def present(
    use: CredentialUse,
    operation: Operation,
    credentials: Credentials,
    canary: str,
    *,
    turn: int = 0,
) -> Presented:
    """The credential for one request; `canary` makes a wrong secret unique to it.

    Every scheme the operation names is served, the first one wins a place: FastAPI declares two
    dependencies that must both hold as alternatives. `turn` goes through the variants.
    """
    presented = Presented()
    for scheme in operation.schemes:
        made = variants(use, Wanted(scheme=scheme, credentials=credentials, canary=canary))
        if made:
            place(presented, scheme, made[turn % len(made)])
    return presented


def variants(use: CredentialUse, wanted: Wanted) -> tuple[Variant, ...]:
    """Every way to present such a credential under one scheme; none if it cannot be made."""
    make = MAKERS.get(use)
    if make is None or wanted.scheme.kind is SchemeKind.OTHER:
        return ()
    return tuple(make(wanted))


def place(presented: Presented, scheme: SecurityScheme, variant: Variant) -> None:
    """Put a variant where its scheme wants it, unless something is there."""
    places = {
        Location.HEADER: presented.headers,
        Location.QUERY: presented.query,
        Location.COOKIE: presented.cookies,
    }
    presented.shell.update(variant.shell)
    if variant.is_elsewhere:
        presented.headers.setdefault(AUTHORIZATION, variant.text)
    elif scheme.kind is not SchemeKind.OTHER:
        places[scheme.location].setdefault(scheme.field, variant.text)


def _valid(wanted: Wanted) -> Iterable[Variant]:
    secret = wanted.secret
    if secret is not None:
        yield Variant(label="valid", text=_written(wanted, secret), shell=_shell(wanted, secret))


def _invalid(wanted: Wanted) -> Iterable[Variant]:
    wrong = f"invalid-{wanted.canary}"
    secret = f"invalid:{wrong}" if wanted.scheme.kind is SchemeKind.BASIC else wrong
    yield Variant(label="made-up credential", text=_written(wanted, secret))


def _malformed(wanted: Wanted) -> Iterable[Variant]:
    text = f"not.a-{wanted.canary}.jwt" if wanted.prefix else f"malformed {wanted.canary}"
    yield Variant(label="malformed credential", text=f"{wanted.prefix or ''} {text}".strip())


def _empty(wanted: Wanted) -> Iterable[Variant]:
    # httpx refuses `Bearer ` with its space at the end, and servers strip it: `Bearer` is the same.
    yield Variant(label="empty credential", text=wanted.prefix or "")


def _wrong_scheme(wanted: Wanted) -> Iterable[Variant]:
    secret, canary = wanted.secret, wanted.canary
    shell = _shell(wanted, secret) if secret is not None else {}
    if wanted.scheme.kind is SchemeKind.API_KEY:
        if secret is not None and wanted.scheme.field.lower() != AUTHORIZATION.lower():
            text = f"Bearer {secret}"
            yield Variant(label="key as bearer token", text=text, shell=shell, is_elsewhere=True)
        return
    if secret is not None and wanted.scheme.kind is SchemeKind.BEARER:
        yield Variant(label="token under the scheme Token", text=f"Token {secret}", shell=shell)
        yield Variant(label="token without a scheme", text=secret, shell=shell)
    other = "Basic" if wanted.scheme.kind is SchemeKind.BEARER else "Bearer"
    yield Variant(label=f"made-up {other} credential", text=f"{other} {_base64(f'x:{canary}')}")


def _expired(wanted: Wanted) -> Iterable[Variant]:
    credentials = wanted.credentials
    if not wanted.takes_token:
        return
    if credentials.expired_token is not None:
        yield _other_token(wanted, "expired", credentials.expired_token, "expired_token")
        return
    jwt = wanted.jwt
    if jwt is not None and credentials.jwt_secret is not None:
        made = expired(
            jwt,
            credentials.jwt_secret,
            variable=_variable(wanted),
            secret_variable=credentials.variable("jwt_secret"),
        )
        if made is not None:
            yield _token(wanted, made)


def _forged(wanted: Wanted) -> Iterable[Variant]:
    jwt = wanted.jwt
    if jwt is None:
        return
    variable = _variable(wanted)
    yield _token(wanted, other_key(jwt, variable))
    yield _token(wanted, unsigned(jwt, variable, "none"))
    yield _token(wanted, tampered(jwt, variable))
    yield _token(wanted, unsigned(jwt, variable, "None"))
    yield _token(wanted, unsigned(jwt, variable, "NONE"))


def _low_role(wanted: Wanted) -> Iterable[Variant]:
    token = wanted.credentials.low_token
    if token is not None and wanted.takes_token:
        yield _other_token(wanted, "token of a lower role", token, "low_token")


MAKERS: Final[dict[CredentialUse, Callable[[Wanted], Iterable[Variant]]]] = {
    CredentialUse.VALID: _valid,
    CredentialUse.INVALID: _invalid,
    CredentialUse.MALFORMED: _malformed,
    CredentialUse.EMPTY: _empty,
    CredentialUse.WRONG_SCHEME: _wrong_scheme,
    CredentialUse.EXPIRED: _expired,
    CredentialUse.FORGED: _forged,
    CredentialUse.LOW_ROLE: _low_role,
}


def _token(wanted: Wanted, forged: Forged) -> Variant:
    text, shell = _written(wanted, forged.text), {forged.text: forged.shell}
    return Variant(label=forged.label, text=text, shell=shell)


def _other_token(wanted: Wanted, label: str, token: str, name: str) -> Variant:
    shell = {token: f'"${wanted.credentials.variable(name)}"'}
    return Variant(label=label, text=_written(wanted, token), shell=shell)


def _written(wanted: Wanted, secret: str) -> str:
    if wanted.scheme.kind is SchemeKind.BASIC:
        return f"Basic {_base64(secret)}"
    return f"{wanted.prefix} {secret}" if wanted.prefix else secret


def _shell(wanted: Wanted, secret: str) -> dict[str, str]:
    variable = _variable(wanted)
    if wanted.scheme.kind is not SchemeKind.BASIC:
        return {secret: f'"${variable}"'}
    user = wanted.credentials.username
    is_pair = wanted.scheme.name in wanted.credentials.by_scheme
    pair = f'"${variable}"' if is_pair else f'{shlex.quote(user or "")}:"${variable}"'
    return {_base64(secret): f"\"$(printf %s {pair} | base64 | tr -d '\\n')\""}


def _variable(wanted: Wanted) -> str:
    scheme = wanted.scheme
    if scheme.name in wanted.credentials.by_scheme:
        return wanted.credentials.variable(scheme.name)
    names = {SchemeKind.BEARER: "token", SchemeKind.BASIC: "password"}
    return wanted.credentials.variable(names.get(scheme.kind, "api_key"))


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")
