"""Exchange user name and password for a token at the document's tokenUrl."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import urljoin, urlsplit

import msgspec

from perfectcv_traffic.errors import TargetError, UsageError
from perfectcv_traffic.generate.credentials import Credentials
from perfectcv_traffic.generate.openapi import Document
from perfectcv_traffic.generate.security import SchemeKind, SecurityScheme, parse_schemes
from perfectcv_traffic.generate.setup_sender import Setup


class _TokenAnswer(msgspec.Struct):
    access_token: str


async def log_in(
    setup: Setup, document: Document, base: str, credentials: Credentials
) -> Credentials:
    """`credentials` with a token, if there is a user to log in and no token yet."""
    username, password = credentials.username, credentials.password
    if credentials.token is not None or username is None or password is None:
        return credentials
    schemes = parse_schemes(document).values()
    address = token_address(document, base, schemes)
    if address is None:
        if any(scheme.kind is SchemeKind.BASIC for scheme in schemes):
            return credentials
        raise UsageError(f"{document.source} names no tokenUrl to log in at: give a token instead")
    form = {"grant_type": "password", "username": username, "password": password}
    answer = await setup.post_form(address, form)
    if answer.status is None:
        raise TargetError(f"login at {address} failed ({answer.error}): check the API")
    return replace(credentials, token=_token(answer.body, answer.status, address))


def token_address(document: Document, base: str, schemes: Iterable[SecurityScheme]) -> str | None:
    """The URL to log in at. A relative tokenUrl is joined to the base URL, or to the document's
    own URL when only that is a path of the document."""
    url = next((scheme.token_url for scheme in schemes if scheme.token_url), None)
    if url is None:
        return None
    is_fetched = document.source.startswith(("http://", "https://"))
    try:
        candidates = [
            urljoin(place, url) for place in (f"{base}/", *([document.source] * is_fetched))
        ]
        declared = document.root.get("paths", {})
        known = (one for one in candidates if urlsplit(one).path in declared)
        return next(known, candidates[0])
    except ValueError as error:
        raise document.broken("its tokenUrl is not a URL") from error


def _token(body: bytes, status: int, address: str) -> str:
    try:
        return msgspec.json.decode(body, type=_TokenAnswer).access_token
    except (msgspec.MsgspecError, UnicodeDecodeError):
        # Not chained and not quoted: the answer to a login may hold secrets.
        pass
    raise TargetError(
        f"login at {address} answered {status} without an access_token: check name and password"
    )
