"""What an exception says, as text: bounded, and never an exception itself."""

from __future__ import annotations

MESSAGE_LIMIT = 10_000
"""Characters kept until secrets are blanked; `describe.ERROR_LIMIT` of them are recorded."""


def describe(error: BaseException) -> str:
    """Type and message of an exception; for a group also those of its first leaf."""
    text = _own(error)
    leaf = error
    while isinstance(leaf, BaseExceptionGroup):
        leaf = leaf.exceptions[0]
    return text if leaf is error else f"{text}: {_own(leaf)}"


def _own(error: BaseException) -> str:
    try:
        message = str(error)
    except Exception:  # the application's own __str__ may fail
        message = "(its message cannot be shown)"
    name = type(error).__qualname__
    return f"{name}: {message[:MESSAGE_LIMIT]}" if message else name
