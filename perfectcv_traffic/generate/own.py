"""The account that a run's own credential belongs to: read freely, changed with care.

A run that renames its user or nulls the e-mail address cannot log in again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from perfectcv_traffic.generate.draft import Draft
from perfectcv_traffic.generate.forge import parse_jwt
from perfectcv_traffic.generate.openapi import Json
from perfectcv_traffic.generate.operations import Operation
from perfectcv_traffic.generate.producers import plain, words_of

_SEGMENTS: Final = frozenset({"me", "self", "myself", "whoami", "profile", "account", "current"})
_ID_FIELDS: Final = ("id", "uuid", "sub", "userid")
_IDENTITY: Final = frozenset(
    {"active", "admin", "disabled", "email", "login", "password", "role", "roles", "username"}
    | {"isactive", "isadmin", "issuperuser", "scopes", "superuser", "verified", "isverified"}
)
"""Fields by which an account logs in, or may."""
_CREDENTIALS: Final = frozenset({"key", "keys", "token", "tokens", "credential", "credentials"})


def holds_credentials(collection: str) -> bool:
    """Whether the objects of a collection are credentials: `/api-keys`. One may be the run's own;
    which one cannot be seen, for they are listed without their secret."""
    return not _CREDENTIALS.isdisjoint(words_of(collection.rpartition("/")[2])[-1:])


def is_own_account(operation: Operation) -> bool:
    """Whether the path names the caller's own account: `/users/me`."""
    return operation.path.rstrip("/").rpartition("/")[2].lower() in _SEGMENTS


def own_ids(answer: Json) -> set[str]:
    """The ids in an answer that describes the own account."""
    fields = answer if isinstance(answer, dict) else {}
    named = {plain(name): value for name, value in fields.items()}
    return {str(named[name]) for name in _ID_FIELDS if isinstance(named.get(name), str | int)}


def own_ids_of(token: str | None) -> set[str]:
    """The ids that a JWT says it is for."""
    jwt = parse_jwt(token or "")
    return own_ids(jwt.claims) if jwt is not None else set()


def is_identity(name: str) -> bool:
    """Whether a field is one by which an account logs in, or may."""
    return plain(name) in _IDENTITY


def sparing(draft: Draft) -> Draft:
    """A change of the own account that leaves its identity alone."""
    if not is_own_account(draft.operation) or not isinstance(draft.body, dict):
        return draft
    kept = {name: value for name, value in draft.body.items() if not is_identity(name)}
    return replace(draft, body=kept)
