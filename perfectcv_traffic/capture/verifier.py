"""The application's own word on a credential: `verify_token`, called in the writer's thread.

It never runs before the response was sent and never on the application's event loop. An async one
runs on a loop of its own that lives as long as the thread, so a client it keeps stays usable.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from perfectcv_traffic.capture.guarded import guarded
from perfectcv_traffic.record import TokenReason, TokenValidity

if TYPE_CHECKING:
    import asyncio

VERIFY_SECONDS = 2.0

Word = bool | str | None
VerifyToken = Callable[[str], Word | Awaitable[Word]]
"""True: valid; False or a `TokenReason`: invalid; None: cannot tell, let the outcome decide."""


class Verifier:
    """Asks `verify_token`, bounded; whatever it raises means that it cannot tell."""

    def __init__(self, verify: VerifyToken) -> None:
        self._verify = verify
        self._runner: asyncio.Runner | None = None
        self._ask = guarded("verify_token", self._answer, None)

    def __call__(self, token: str) -> tuple[TokenValidity | None, TokenReason | None]:
        """The validity and reason to record; (None, None) when the verifier cannot tell."""
        word = self._ask(token)
        if isinstance(word, str):
            known = word in tuple(TokenReason)
            return TokenValidity.INVALID, TokenReason(word) if known else TokenReason.REJECTED
        if word is None:
            return None, None
        return (TokenValidity.VALID, None) if word else (TokenValidity.INVALID, None)

    def _answer(self, token: str) -> Word:
        word = self._verify(token)
        if not inspect.isawaitable(word):
            return word
        if self._runner is None:
            import asyncio

            self._runner = asyncio.Runner()
        return self._runner.run(_bounded(word))

    def close(self) -> None:
        """End the loop; the next call makes a new one. From the thread that called."""
        if self._runner is not None:
            self._runner.close()
            self._runner = None


async def _bounded(word: Awaitable[Word]) -> Word:
    import asyncio

    return await asyncio.wait_for(word, VERIFY_SECONDS)
