"""Exchange user name and password for a token: at the document's tokenUrl, or where one is told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from urllib.parse import urljoin, urlsplit

import msgspec

from perfectcv_traffic.errors import TargetError, UsageError
from perfectcv_traffic.generate.answer import Answer
from perfectcv_traffic.generate.credentials import Credentials, Login
from perfectcv_traffic.generate.openapi import Document, Json, is_address
from perfectcv_traffic.generate.operations import FORM_MEDIA_TYPE, Operation, parse_operations
from perfectcv_traffic.generate.schemas import flatten
from perfectcv_traffic.generate.security import SchemeKind, SecurityScheme, parse_schemes
from perfectcv_traffic.generate.setup_sender import Setup
from perfectcv_traffic.record import FIRST_ERROR_STATUS

_USER_FIELDS = ("username", "email", "login", "user", "user_name")
_TOKEN_URL_POINTER = "/access_token"


async def log_in(
    setup: Setup, document: Document, base: str, credentials: Credentials
) -> Credentials:
    """`credentials` with a token, if there is a user to log in and no token yet."""
    if credentials.token is not None:
        return credentials
    if credentials.login is not None:
        return await _log_in_there(setup, document, base, credentials.login, credentials)
    username, password = credentials.username, credentials.password
    if username is None or password is None:
        return credentials
    schemes = parse_schemes(document).values()
    address = token_address(document, base, schemes)
    if address is None:
        if any(scheme.kind is SchemeKind.BASIC for scheme in schemes):
            return credentials
        raise UsageError(
            f"{document.source} names no tokenUrl to log in at: say --login, or give a token"
        )
    form = {"grant_type": "password", "username": username, "password": password}
    answer = await setup.post_form(address, form)
    return replace(credentials, token=_token(answer, address, _TOKEN_URL_POINTER))


async def _log_in_there(
    setup: Setup, document: Document, base: str, login: Login, credentials: Credentials
) -> Credentials:
    operation = _operation(document, login)
    fields = dict(_fields(document, operation, credentials)) | dict(login.fields)
    address = base + login.path
    is_form = (
        operation is not None
        and operation.body is not None
        and operation.body.media_type == FORM_MEDIA_TYPE
    )
    post = setup.post_form if is_form else setup.post_json
    answer = await post(address, fields)
    return replace(credentials, token=_token(answer, address, login.pointer))


def _operation(document: Document, login: Login) -> Operation | None:
    operations, _ = parse_operations(document)
    key = f"POST {login.path}"
    return next((one for one in operations if one.key == key), None)


def _fields(
    document: Document, operation: Operation | None, credentials: Credentials
) -> Iterator[tuple[str, str]]:
    """User name and password under the names that the document has for them."""
    declared: Json = {}
    if operation is not None and operation.body is not None:
        declared = flatten(document, operation.body.schema).get("properties", {})
    if credentials.username is not None:
        known = (name for name in _USER_FIELDS if name in declared)
        yield next(known, _USER_FIELDS[0]), credentials.username
    if credentials.password is not None:
        yield "password", credentials.password


def token_address(document: Document, base: str, schemes: Iterable[SecurityScheme]) -> str | None:
    """The URL to log in at. A relative tokenUrl is joined to the base URL, or to the document's
    own URL when only that is a path of the document."""
    url = next((scheme.token_url for scheme in schemes if scheme.token_url), None)
    if url is None:
        return None
    is_fetched = is_address(document.source)
    try:
        candidates = [
            urljoin(place, url) for place in (f"{base}/", *([document.source] * is_fetched))
        ]
        declared = document.root.get("paths", {})
        known = (one for one in candidates if urlsplit(one).path in declared)
        return next(known, candidates[0])
    except ValueError as error:
        raise document.broken("its tokenUrl is not a URL") from error


def _token(answer: Answer, address: str, pointer: str) -> str:
    if answer.status is None:
        raise TargetError(f"login at {address} failed ({answer.error}): check the API")
    try:
        found: Json = msgspec.json.decode(answer.body)
        for step in pointer.strip("/").split("/"):
            found = found[int(step)] if isinstance(found, list) else found[step]
        if isinstance(found, str) and found:
            return found
    except (msgspec.MsgspecError, UnicodeDecodeError, LookupError, TypeError, ValueError):
        # Not chained and not quoted: the answer to a login may hold secrets.
        pass
    advice = "check name and password, or --token-pointer"
    if answer.status < FIRST_ERROR_STATUS and "set-cookie" in answer.headers:
        advice = (
            "it sets a cookie, which is not kept: give it with --api-key-env, or --token-pointer"
        )
    raise TargetError(
        f"login at {address} answered {answer.status} without a token at {pointer}: {advice}"
    )
