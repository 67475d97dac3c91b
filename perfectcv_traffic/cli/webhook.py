"""Telling a webhook what `check` found: that rules broke, not again for a while, that all hold.

What was told last is kept beside the database or log, so that a check from cron remembers it:
each check for itself, for another one with other thresholds or filters finds something else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import msgspec

from perfectcv_traffic.errors import StorageError, UsageError

if TYPE_CHECKING:
    from perfectcv_traffic.analysis.thresholds import Verdict

SECONDS_TO_ANSWER = 10.0
FORGOTTEN = timedelta(days=30)
"""How long a check is remembered at least that told nothing any more: it is gone."""


class Told(msgspec.Struct):
    """What a webhook was told last: the rules that were violated, and when."""

    rules: list[str]
    at: Annotated[datetime, msgspec.Meta(tz=True)]


class Webhook:
    """One URL, how long it is left alone, and what it was told last."""

    def __init__(self, url: str, cooldown: timedelta, state: Path, *, check: object = "") -> None:
        """`check` is what tells this check from others by its `repr`: thresholds and filters.

        Raises `UsageError` for a URL that cannot be called.
        """
        if not _is_callable(url):
            raise UsageError("--webhook needs a URL that begins with http:// or https://")
        self._url = url
        self._cooldown = cooldown
        self._state = state
        # The URL may hold a secret, so the file that remembers it does not.
        self._key = hashlib.sha256(f"{url} {check!r}".encode()).hexdigest()[:16]

    def tell(self, verdicts: Sequence[Verdict], now: datetime) -> str | None:
        """Send the verdicts if it is time to; what went wrong, None if nothing did."""
        violated = sorted(one.rule for one in verdicts if not one.holds)
        every = self._read()
        if not self._is_due(every.get(self._key), violated, now):
            return None
        if problem := self._send(verdicts):
            return problem
        kept = max(self._cooldown, FORGOTTEN)
        every = {key: one for key, one in every.items() if now - one.at <= kept}
        return self._write({**every, self._key: Told(violated, now)})

    def _is_due(self, last: Told | None, violated: list[str], now: datetime) -> bool:
        """A violation that is new or was told long enough ago; that what was told is over.

        Told in the future means that the clock was set back: nobody knows how long ago.
        """
        told = last.rules if last else []
        if violated != told:
            return True
        if not violated or last is None:
            return False
        return not timedelta() <= now - last.at < self._cooldown

    def _send(self, verdicts: Sequence[Verdict]) -> str | None:
        import httpx  # a quarter of a second, and most checks tell nobody

        from perfectcv_traffic.render.verdicts import message

        host = urlsplit(self._url).hostname
        try:
            answer = httpx.post(self._url, json=message(verdicts), timeout=SECONDS_TO_ANSWER)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return f"the webhook at {host} could not be told: {type(error).__name__}"
        return None if answer.is_success else f"the webhook at {host} answered {answer.status_code}"

    def _read(self) -> dict[str, Told]:
        try:
            return msgspec.json.decode(self._state.read_bytes(), type=dict[str, Told])
        except (OSError, msgspec.DecodeError):  # not there, or damaged: told once too often
            return {}

    def _write(self, every: dict[str, Told]) -> str | None:
        """Remember; what went wrong: the verdict is the same whether it is told twice or not."""
        from perfectcv_traffic.render.files import write

        try:
            write(self._state, msgspec.json.encode(every) + b"\n", is_private=True)
        except StorageError as error:
            return f"the webhook will be told again: {error}"
        return None


def _is_callable(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:  # a bracket that is never closed
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)
