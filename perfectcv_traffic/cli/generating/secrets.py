"""The credentials of a run: from environment variables and files, never from the command line."""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from perfectcv_traffic.errors import UsageError

if TYPE_CHECKING:
    from perfectcv_traffic.generate.credentials import Credentials, Login

FROM_ENVIRONMENT: Final = "env:"
_VARIABLE: Final = re.compile(r"[A-Z_][A-Z0-9_]{0,63}")
_ENCODINGS: Final = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
"""By how a file begins, if it is not UTF-8: Windows PowerShell writes UTF-16."""


def secret(variable: str | None) -> str | None:
    """The secret in an environment variable: on the command line everyone could read it."""
    if variable is None:
        return None
    if not os.environ.get(variable):
        # What looks like no variable may be the secret itself.
        name = variable if _VARIABLE.fullmatch(variable) else "of the name that was given"
        raise UsageError(f"environment variable {name} is not set: put the secret into it")
    return os.environ[variable]


def credentials(
    username: str | None,
    *,
    token_file: Path | None = None,
    api_keys: Iterable[str] = (),
    login: Login | None = None,
    **variables: str | None,
) -> Credentials:
    """The secrets in the environment variables named for them, and in a file."""
    from perfectcv_traffic.generate.credentials import Credentials

    _require_whole(username, token_file, login, variables)
    given = {name: one for name, one in variables.items() if one is not None}
    found: dict[str, Any] = {name: secret(one) for name, one in given.items()}
    if token_file is not None:
        found["token"] = _first_line(token_file)
    by_scheme: dict[str, str] = {}
    for one in api_keys:
        scheme, _, variable = one.rpartition("=")
        given[scheme or "api_key"] = variable
        (by_scheme if scheme else found)[scheme or "api_key"] = secret(variable) or ""
    return Credentials(
        username=username, variables=given, by_scheme=by_scheme, login=login, **found
    )


def login(where: str | None, fields: Iterable[str], pointer: str) -> Login | None:
    """How to log in, if it was said."""
    from perfectcv_traffic.generate.credentials import Login

    if where is None:
        if list(fields):
            raise UsageError("--login-field is for a login: say --login 'POST /path' as well")
        return None
    method, _, path = where.strip().rpartition(" ")
    pairs = [one.partition("=") for one in fields]
    is_post = method.strip().upper() in ("", "POST")
    if not (is_post and path.startswith("/") and all(equals for _, equals, _ in pairs)):
        raise UsageError("--login 'POST /path' with --login-field NAME=VALUE: write it like that")
    return Login(
        path=path,
        fields={name: _value(text) for name, _, text in pairs},
        pointer=pointer,
    )


def _value(text: str) -> str:
    if text.startswith(FROM_ENVIRONMENT):
        return secret(text.removeprefix(FROM_ENVIRONMENT)) or ""
    return text


def _require_whole(
    username: str | None,
    token_file: Path | None,
    login: Login | None,
    variables: Mapping[str, str | None],
) -> None:
    """Refuse what would be passed over: half a login, and one of two tokens."""
    if token_file is not None and variables.get("token") is not None:
        raise UsageError("--token-file and --token-env exclude each other: name one token")
    has_password = variables.get("password") is not None
    if login is None and (username is None) == has_password:
        lacking = "--username" if has_password else "--password-env"
        raise UsageError(f"user name and password belong together: give {lacking} as well")


def _first_line(path: Path) -> str:
    try:
        content = path.read_bytes()
        encoding = _ENCODINGS.get(content[:2], "utf-8-sig")
        lines = content.decode(encoding).strip().splitlines()
        return lines[0].strip() if lines else ""
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--token-file {path} cannot be read: name a file with a token") from error
