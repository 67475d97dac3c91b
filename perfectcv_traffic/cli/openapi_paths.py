"""The path templates of an OpenAPI document, from a file or a URL."""

from __future__ import annotations

from pathlib import Path

from perfectcv_traffic.errors import StorageError, TargetError
from perfectcv_traffic.log.routes import of_openapi

TIMEOUT = 30.0


def templates(source: str) -> list[str]:
    """Path templates; raises `TargetError` or `StorageError` if there is no such document."""
    from perfectcv_traffic.generate.openapi import parse_document

    return of_openapi(parse_document(_content(source), source).root)


def _content(source: str) -> bytes:
    if source.startswith(("http://", "https://")):
        return _fetched(source)
    try:
        return Path(source).read_bytes()
    except OSError as error:
        raise StorageError(
            f"{source} cannot be read ({error.strerror}): give an OpenAPI file"
        ) from error


def _fetched(url: str) -> bytes:
    import httpx

    try:
        answer = httpx.get(url, timeout=TIMEOUT, follow_redirects=True)
        answer.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        why = str(error) or type(error).__name__
        raise TargetError(
            f"{url} did not give an OpenAPI document ({why}): start the API, or give a file"
        ) from error
    return answer.content
