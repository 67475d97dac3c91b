"""Which exchanges are recorded: all but excluded paths, and a sample of the ordinary ones."""

from __future__ import annotations

import random
import re

from perfectcv_traffic.capture.exchange import Exchange
from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.record import FIRST_ERROR_STATUS, RUN_ID_HEADER, TrafficLog
from perfectcv_traffic.settings import Settings

_RUN_ID = RUN_ID_HEADER.lower().encode()


class Sampler:
    """Decides by the settings `excluded_paths`, `sample_rate` and `slow_ms`."""

    def __init__(self, settings: Settings) -> None:
        self._excluded = _pattern(settings.excluded_paths)
        self._rate = settings.sample_rate
        self._slow_ms = settings.slow_ms
        self._random = random.Random()

    def excludes(self, exchange: Exchange) -> bool:
        """Whether the path is excluded; a failure is recorded whatever its path.

        So is what `generate` sent: it must be possible to prove that nothing was lost.
        """
        return (
            self._excluded is not None
            and self._excluded.search(exchange.path) is not None
            and not _failed(exchange.status, exchange.error)
            and not _is_generated(exchange)
        )

    def weight(self, record: TrafficLog) -> float:
        """How many requests the record stands for; 0 when it is not to be kept.

        Failures, slow requests, those with nulls and generated ones stand for themselves.
        """
        if self._rate >= 1 or self._is_notable(record):
            return 1.0
        return 1 / self._rate if self._random.random() < self._rate else 0.0

    def _is_notable(self, record: TrafficLog) -> bool:
        return (
            record.run_id is not None
            or _failed(record.status_code, record.error_message)
            or (record.response_time_ms or 0.0) >= self._slow_ms
            or record.null_params_count > 0
            or record.null_response_count > 0
        )


def _failed(status: int | None, error: str | None) -> bool:
    return status is None or status >= FIRST_ERROR_STATUS or error is not None


def _is_generated(exchange: Exchange) -> bool:
    return any(name.lower() == _RUN_ID for name, _ in exchange.headers)


def _pattern(paths: tuple[str, ...]) -> re.Pattern[str] | None:
    try:
        return re.compile("|".join(f"(?:{path})" for path in paths), re.I) if paths else None
    except re.error as error:
        raise UsageError(f"excluded_paths: no regular expression: {error}") from error
