"""The credential of a request: where it was, of which scheme, and whether it holds."""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from perfectcv_traffic.capture.routes import Declared
from perfectcv_traffic.record import TokenReason, TokenValidity

KEY_HEADERS = ("x-api-key", "x-auth-token", "api-key", "x-access-token")
QUERY_NAMES = ("access_token", "api_key", "apikey", "token")
MASKED = "***"
_SHOWN = 4
_SHORT = 12
_MAX_JWT = 16_384
_BAD_REQUEST = 400
_UNAUTHORIZED = 401


class Credential(NamedTuple):
    """A credential as it was sent. Never logged: `mask` first."""

    scheme: str
    source: str
    value: str

    def __repr__(self) -> str:
        return f"Credential(scheme={self.scheme!r}, source={self.source!r}, value=***)"


def find(
    headers: Sequence[tuple[str, str]],
    query: Mapping[str, str],
    cookies: Mapping[str, str],
    declared: Sequence[Declared] = (),
) -> Credential | None:
    """The first credential: Authorization, then what the route declares, then the usual names."""
    by_name = dict(reversed(headers))
    authorization = by_name.get("authorization", "").strip()
    if authorization:
        return _from_authorization(authorization)
    sources: dict[str, Mapping[str, str]] = {"header": by_name, "query": query, "cookie": cookies}
    usual = [Declared("header", name, "api_key") for name in KEY_HEADERS]
    usual += [Declared("query", name, "api_key") for name in QUERY_NAMES]
    for place in (*declared, *usual):
        value = sources[place.location].get(place.name, "").strip()
        if value:
            return Credential(place.scheme, f"{place.location}:{place.name}", value)
    return None


def _from_authorization(value: str) -> Credential:
    scheme, space, rest = value.partition(" ")
    source = "header:authorization"
    if space:
        return Credential(scheme.lower(), source, rest.strip())
    if scheme.lower() in ("basic", "bearer", "digest", "negotiate", "token"):
        return Credential(scheme.lower(), source, "")
    return Credential("none", source, value)


def mask(credential: Credential) -> str:
    """First 4 + ... + last 4 characters; short ones and Basic (it would show the user) as ***."""
    value = credential.value
    if len(value) <= _SHORT or credential.scheme == "basic":
        return MASKED
    return f"{value[:_SHOWN]}...{value[-_SHOWN:]}"


def validity(
    credential: Credential | None, *, status: int | None, auth_required: bool | None
) -> TokenValidity:
    """What the outcome says: 401 refuses it; 2xx and 3xx where one is required accept it."""
    if credential is None:
        return TokenValidity.ABSENT
    if status == _UNAUTHORIZED:
        return TokenValidity.INVALID
    if auth_required and status is not None and status < _BAD_REQUEST:
        return TokenValidity.VALID
    return TokenValidity.UNKNOWN


def reason(credential: Credential, now: float | None = None) -> TokenReason:
    """Why a refused credential was refused, as far as it shows without its key."""
    if not credential.value:
        return TokenReason.MALFORMED
    if credential.scheme != "bearer":
        return TokenReason.REJECTED
    claims = _jwt_claims(credential.value)
    if claims is None:
        looks_like_jwt = credential.value.startswith("eyJ")
        return TokenReason.MALFORMED if looks_like_jwt else TokenReason.REJECTED
    expiry = claims.get("exp")
    expired = isinstance(expiry, int | float) and expiry < (time.time() if now is None else now)
    return TokenReason.EXPIRED if expired else TokenReason.REJECTED


def _jwt_claims(token: str) -> dict[str, object] | None:
    parts = token.split(".")
    if len(parts) != 3 or len(token) > _MAX_JWT:  # noqa: PLR2004 - header, payload, signature
        return None
    try:
        payload = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        return msgspec.json.decode(payload, type=dict[str, object])
    except (binascii.Error, ValueError, msgspec.DecodeError, RecursionError):
        return None
