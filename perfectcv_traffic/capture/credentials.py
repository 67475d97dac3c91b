"""The credential of a request: where it was, of which scheme, and whether it holds."""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from perfectcv_traffic.capture.exchange import Declared
from perfectcv_traffic.capture.header_reader import Plain
from perfectcv_traffic.record import FIRST_ERROR_STATUS, MASKED_WHOLE, TokenReason, TokenValidity
from perfectcv_traffic.secrecy.names import AUTH_SCHEMES

KEY_HEADERS = (
    "x-api-key", "x-auth-token", "api-key", "x-access-token", "x-amz-security-token",
)  # fmt: skip
CARRIERS = frozenset({*KEY_HEADERS, "cookie"})
"""Headers in which there may be a credential, whatever the route asks for; beside Authorization."""
QUERY_NAMES = ("access_token", "api_key", "apikey", "token")
FORM_NAMES = ("access_token",)
"""RFC 6750 2.2: a bearer token as a field of a form."""
COOKIE_NAMES = ("access_token", "access_token_cookie", "auth_token", "jwt")
"""Not `session` and the like, which anonymous visitors have too."""

OTHER = "other"
"""The scheme of an Authorization header that begins with no known one: its words are secret."""

_SHOWN = 4
_SHORT = 12
_MAX_JWT = 16_384
_UNAUTHORIZED = 401


class Credential(NamedTuple):
    """A credential as it was sent. Never logged: `mask` first."""

    scheme: str
    source: str
    value: str

    def __repr__(self) -> str:
        return f"Credential(scheme={self.scheme!r}, source={self.source!r}, value={MASKED_WHOLE})"


Sources = Mapping[str, Mapping[str, str] | Plain]
"""Names and values by place: header, query, cookie, form."""

_USUAL = (
    *(("header", name) for name in KEY_HEADERS),
    *(("query", name) for name in QUERY_NAMES),
    *(("form", name) for name in FORM_NAMES),
    *(("cookie", name) for name in COOKIE_NAMES),
)


def find(sources: Sources, declared: Sequence[Declared] = ()) -> Credential | None:
    """The first credential beside Authorization: what the route declares, then the usual names."""
    for place in declared:
        value = sources[place.location].get(place.name, "").strip()
        if value:
            return Credential(place.scheme, f"{place.location}:{place.name}", value)
    for location, name in _USUAL:
        if value := sources[location].get(name, "").strip():
            return _usual(f"{location}:{name}", value)
    return None


def _usual(source: str, value: str) -> Credential:
    """What a usual name holds; applications write cookies as they would write Authorization."""
    scheme, _, rest = value.partition(" ")
    if rest and scheme.lower() == "bearer":
        return Credential("bearer", source, rest.strip())
    return Credential("api_key", source, value)


def from_authorization(header: str) -> Credential | None:
    """The credential in an Authorization header, which comes before any other."""
    words = header.split(None, 1)
    if not words:
        return None
    source = "header:authorization"
    scheme = words[0].lower()
    if scheme in AUTH_SCHEMES:
        return Credential(scheme, source, words[1].strip() if len(words) > 1 else "")
    return Credential("none" if len(words) == 1 else OTHER, source, header.strip())


def mask(credential: Credential) -> str:
    """First 4 + ... + last 4 characters; short ones and Basic (it would show the user) as ***."""
    value = credential.value
    if len(value) <= _SHORT or credential.scheme == "basic":
        return MASKED_WHOLE
    return f"{value[:_SHOWN]}...{value[-_SHOWN:]}"


def validity(
    credential: Credential | None, *, status: int | None, auth_required: bool | None
) -> TokenValidity:
    """What the outcome says: 401 refuses it; 2xx and 3xx where one is required accept it."""
    if credential is None:
        return TokenValidity.ABSENT
    if status == _UNAUTHORIZED:
        return TokenValidity.INVALID
    if auth_required and status is not None and status < FIRST_ERROR_STATUS:
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
