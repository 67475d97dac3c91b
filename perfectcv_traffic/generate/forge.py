"""Tokens that must be refused: expired, unsigned, tampered with, signed with another key.

They carry the claims of the real token: a made-up user would be refused for another reason.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Final

import msgspec

from perfectcv_traffic.generate.openapi import Json

OTHER_KEY: Final = "another-key-than-the-right-one"
LONG_AGO: Final = 1_000_000_000
"""The `exp` of an expired token: 2001."""
_HASHES: Final = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}


@dataclass(frozen=True, slots=True, kw_only=True)
class Forged:
    """One token, and the shell words that make it from the environment."""

    label: str
    text: str = field(repr=False)
    shell: str


@dataclass(frozen=True, slots=True)
class Jwt:
    """A JSON Web Token in parts."""

    header: dict[str, Json]
    claims: dict[str, Json] = field(repr=False)
    parts: tuple[str, str, str] = field(repr=False)


def parse_jwt(token: str) -> Jwt | None:
    """The parts of a token that is a JWT."""
    parts = token.split(".")
    if len(parts) != 3:  # noqa: PLR2004
        return None
    header, claims = (_decoded(part) for part in parts[:2])
    if not isinstance(header, dict) or not isinstance(claims, dict) or "alg" not in header:
        return None
    return Jwt(header, claims, (parts[0], parts[1], parts[2]))


def unsigned(jwt: Jwt, variable: str, algorithm: str) -> Forged:
    """The claims under `alg: none`, in one of its spellings, without a signature."""
    header = _encoded(msgspec.json.encode({**jwt.header, "alg": algorithm}))
    return Forged(
        label=f"alg {algorithm}",
        text=f"{header}.{jwt.parts[1]}.",
        shell=f'{header}."$(printf %s "${variable}" | cut -d. -f2)".',
    )


def tampered(jwt: Jwt, variable: str) -> Forged:
    """The token with another signature of the same length."""
    letter = "B" if jwt.parts[2].startswith("A") else "A"
    signature = letter * len(jwt.parts[2])
    return Forged(
        label="broken signature",
        text=f"{jwt.parts[0]}.{jwt.parts[1]}.{signature}",
        shell=f'"${{{variable}%.*}}".{signature}',
    )


def other_key(jwt: Jwt, variable: str) -> Forged:
    """The claims signed with another key."""
    header = _encoded(msgspec.json.encode({**jwt.header, "alg": "HS256"}))
    content = f"{header}.{jwt.parts[1]}"
    signature = hmac.new(OTHER_KEY.encode(), content.encode(), hashlib.sha256).digest()
    shell = (
        f'"$(c={header}.$(printf %s "${variable}" | cut -d. -f2); printf %s "$c.$(printf %s "$c"'
        f" | openssl dgst -sha256 -hmac {OTHER_KEY} -binary | base64"
        " | tr -d '=\\n' | tr '/+' '_-')\")\""
    )
    return Forged(
        label="signed with another key", text=f"{content}.{_encoded(signature)}", shell=shell
    )


def signed(jwt: Jwt, secret: str, claims: dict[str, Json]) -> str | None:
    """Other claims under the token's own header and algorithm, if that is a shared-secret one."""
    digest = _HASHES.get(str(jwt.header["alg"]))
    if digest is None:
        return None
    content = f"{jwt.parts[0]}.{_encoded(msgspec.json.encode(claims))}"
    return f"{content}.{_encoded(hmac.new(secret.encode(), content.encode(), digest).digest())}"


def is_signed_with(jwt: Jwt, secret: str) -> bool:
    """Whether `secret` made the token's signature; other algorithms get the benefit of doubt."""
    again = signed(jwt, secret, jwt.claims)
    if again is None:
        return True
    content = ".".join(jwt.parts[:2])
    digest = _HASHES[str(jwt.header["alg"])]
    own = hmac.new(secret.encode(), content.encode(), digest).digest()
    return hmac.compare_digest(_encoded(own), jwt.parts[2])


def expired(jwt: Jwt, secret: str, *, variable: str, secret_variable: str) -> Forged | None:
    """The claims with an `exp` long ago, rightly signed."""
    past: dict[str, Json] = {name: LONG_AGO - 3600 for name in ("iat", "nbf") if name in jwt.claims}
    text = signed(jwt, secret, {**jwt.claims, **past, "exp": LONG_AGO})
    if text is None:
        return None
    digest = str(jwt.header["alg"]).replace("HS", "sha")
    program = (
        "import base64 as b,hashlib,hmac,json,os;"
        'e=lambda x:b.urlsafe_b64encode(x).rstrip(b"=");'
        f'h,p,_=os.environ["{variable}"].split(".");'
        'c=json.loads(b.urlsafe_b64decode(p+"=="));'
        f'c.update({{k:{LONG_AGO - 3600} for k in ("iat","nbf") if k in c}},exp={LONG_AGO});'
        'm=h.encode()+b"."+e(json.dumps(c).encode());'
        f'k=os.environ["{secret_variable}"].encode();'
        f'print((m+b"."+e(hmac.new(k,m,hashlib.{digest}).digest())).decode())'
    )
    return Forged(label="expired", text=text, shell=f"\"$(python3 -c '{program}')\"")


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")


def _decoded(part: str) -> Json:
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, msgspec.DecodeError, RecursionError):
        return None
