"""The application's own functions, called so that they can harm nothing but their effect."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

logger = logging.getLogger("perfectcv_traffic")


def guarded(name: str, function: Callable[P, R], otherwise: R) -> Callable[P, R]:
    """The function, which gives `otherwise` where it raises; the first time that is logged.

    Its type and place are, not its message, in which there may be a secret.
    """
    is_told = False

    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        nonlocal is_told
        try:
            return function(*args, **kwargs)
        except KeyboardInterrupt:  # of who closes
            raise
        # CancelledError, SystemExit and panics of Rust are none of Exception.
        except BaseException as error:
            if not is_told:
                is_told = True
                logger.warning("%s failed: %s", name, _shown(error))
            return otherwise

    return call


def _shown(error: BaseException) -> str:
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {place.filename}:{place.lineno}"
