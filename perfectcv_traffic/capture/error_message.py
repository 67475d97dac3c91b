"""What went wrong, as text: an exception's words, or those of an answer that is an error."""

from __future__ import annotations

import msgspec

ERROR_LIMIT = 500
"""Characters that are recorded."""
MESSAGE_LIMIT = 10_000
"""Characters of an exception's message that are kept until secrets are blanked."""
_ERROR_KEYS = ("detail", "message", "error", "errors")


def of_exception(error: BaseException) -> str:
    """Type and message of an exception; for a group also those of its first leaf."""
    text = _type_and_message(error)
    leaf = error
    while isinstance(leaf, BaseExceptionGroup):
        leaf = leaf.exceptions[0]
    return text if leaf is error else f"{text}: {_type_and_message(leaf)}"


def _type_and_message(error: BaseException) -> str:
    try:
        message = str(error)
    except Exception:  # the application's own __str__ may fail
        message = "(its message cannot be shown)"
    name = type(error).__qualname__
    return f"{name}: {message[:MESSAGE_LIMIT]}" if message else name


def of_answer(body: str) -> str:
    """The error that a JSON answer carries under one of the usual keys, else its beginning."""
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, ValueError):  # ValueError: no UTF-8
        return body[:ERROR_LIMIT]
    if not isinstance(answer, dict):
        return body[:ERROR_LIMIT]
    value = next((answer[key] for key in _ERROR_KEYS if answer.get(key)), None)
    if isinstance(value, list):
        value = "; ".join(map(_validation_error, value))
    return (value if isinstance(value, str) else body)[:ERROR_LIMIT]


def _validation_error(item: object) -> str:
    if isinstance(item, dict) and isinstance(item.get("loc"), list):
        # The rejected input stands beside these and stays out: a mistyped secret may be in it.
        return f"{'.'.join(map(str, item['loc']))}: {item.get('msg', '')}"
    return str(item)
