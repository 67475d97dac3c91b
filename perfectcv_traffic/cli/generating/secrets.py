"""The credentials of a run: from environment variables and files, never from the command line."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from perfectcv_traffic.errors import UsageError

if TYPE_CHECKING:
    from perfectcv_traffic.generate.credentials import Credentials, Login

FROM_ENVIRONMENT: Final = "env:"


def secret(variable: str | None) -> str | None:
    """The secret in an environment variable: on the command line everyone could read it."""
    if variable is None:
        return None
    if not os.environ.get(variable):
        raise UsageError(f"environment variable {variable} is not set: put the secret into it")
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
        return None
    method, _, path = where.strip().rpartition(" ")
    pairs = [one.partition("=") for one in fields]
    if not path.startswith("/") or not all(equals for _, equals, _ in pairs):
        raise UsageError("--login 'METHOD /path' with --login-field NAME=VALUE: write it like that")
    return Login(
        method=method.upper() or "POST",
        path=path,
        fields={name: _value(text) for name, _, text in pairs},
        pointer=pointer,
    )


def _value(text: str) -> str:
    if text.startswith(FROM_ENVIRONMENT):
        return secret(text.removeprefix(FROM_ENVIRONMENT)) or ""
    return text


def _first_line(path: Path) -> str:
    try:
        lines = path.read_text(encoding="utf-8").strip().splitlines()
        return lines[0].strip() if lines else ""
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--token-file {path} cannot be read: name a file with a token") from error
