"""From a batch of exchanges to lines of the log: select, compose, encode, append."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Protocol

import msgspec

from perfectcv_traffic.capture.append_only_log import AppendOnlyLog
from perfectcv_traffic.capture.exchange import Exchange
from perfectcv_traffic.capture.lines import encode_line
from perfectcv_traffic.capture.outcome import Outcome
from perfectcv_traffic.capture.sampler import Sampler
from perfectcv_traffic.capture.seldom import Seldom
from perfectcv_traffic.record import TrafficLog

logger = logging.getLogger("perfectcv_traffic")


class _Told(msgspec.Struct):
    """What a line says of losses."""

    lost_before: int = 0


_decode_told = msgspec.json.Decoder(_Told).decode


class Composes(Protocol):
    """Makes records."""

    def compose(self, exchange: Exchange) -> TrafficLog:
        """The record of an exchange."""

    def close(self) -> None:
        """Let go of what belongs to the thread that composed."""


class BatchRecorder:
    """Records exchanges in a log file; used by one thread, in whichever process.

    `between` is called before each record.
    """

    def __init__(
        self,
        file: AppendOnlyLog,
        sampler: Sampler,
        composer: Composes,
        between: Callable[[], None] = lambda: None,
    ) -> None:
        self._between = between
        self._file = file
        self._sampler = sampler
        self._composer = composer
        self._warning = Seldom()

    def write(self, batch: Iterable[Exchange], untold: int) -> Outcome:
        """Append the records of a batch with one write; `untold` were lost before it.

        Nothing is written if `batch` raises.
        """
        outcome, lines = Outcome(untold=untold), bytearray()
        for exchange in batch:
            self._between()
            start = len(lines)
            try:
                self._append_line(lines, exchange, outcome)
            except KeyboardInterrupt:
                raise
            except BaseException:  # one record that cannot be made must not lose its batch
                del lines[start:]
                outcome.failed += 1
                outcome.untold += 1
                if self._warning.is_due():
                    logger.exception("a request could not be recorded")
        written = self._file.append(lines) if lines else 0
        if written < len(lines):
            recorded, told = _whole(lines[:written])
            outcome.unwritten, outcome.recorded = outcome.recorded - recorded, recorded
            outcome.untold = untold + outcome.failed + outcome.unwritten - told
        return outcome

    def close(self) -> None:
        """Let go of the file and of what belongs to the thread; the next batch takes them again."""
        self._composer.close()
        self._file.close()

    def forget(self) -> None:
        """Start anew in a forked child."""
        self.close()

    def _append_line(self, lines: bytearray, exchange: Exchange, outcome: Outcome) -> None:
        if self._sampler.excludes(exchange):
            outcome.excluded += 1
            return
        record = self._composer.compose(exchange)
        weight = self._sampler.weight(record)
        if not weight:
            outcome.sampled_out += 1
            return
        if weight != record.weight:  # an equal one is not the default itself, and would be written
            record.weight = weight
        record.lost_before = outcome.untold
        encode_line(record, lines)
        outcome.recorded += 1
        outcome.untold = 0


def _whole(lines: bytes | bytearray) -> tuple[int, int]:
    """How many lines are whole, and how many losses they tell."""
    *whole, _ = lines.split(b"\n")
    return len(whole), sum(_decode_told(line).lost_before for line in whole)
