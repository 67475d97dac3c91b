"""The lines of a chunk: the format they are in, and what becomes of each of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from perfectcv_traffic.log.formats import VOTERS, Formats, LogFormat, elected
from perfectcv_traffic.log.lines import LineParser
from perfectcv_traffic.log.reader import Chunk, LongLine
from perfectcv_traffic.store.batch import Batch
from perfectcv_traffic.store.prepare import Prepared, Preparer, Task
from perfectcv_traffic.store.segments import Segment

GiveWay = Callable[[], None]

Notice = Callable[[str], None]
"""Told what a person may want to know."""


@dataclass(slots=True)
class _Ballot:
    """What the first lines of a log say of its format."""

    votes: Counter[LogFormat] = field(default_factory=Counter)
    lines: int = 0
    end: int = 0
    """The offset up to which lines have voted: a chunk is asked once."""


class Parsing:
    """Parses chunks of any log, and prepares them."""

    def __init__(
        self,
        formats: Formats,
        preparer: Preparer,
        *,
        given: LogFormat | None,
        give_way: GiveWay | None,
        notice: Notice,
    ) -> None:
        """`given`: the format of all logs; None if it is to be found out for each."""
        self._formats = formats
        self._preparer = preparer
        self._given = given
        self._give_way = give_way
        self._notice = notice
        self._ballots: dict[tuple[str, int], _Ballot] = {}
        """Of logs of which the first lines were read here, by path and generation."""

    def prepared(self, log: Segment, chunk: Chunk) -> Prepared:
        """What is to be inserted, with the summary."""
        if self._give_way and chunk.lines and chunk.is_terminated:
            return self._preparer.prepare_in_steps(self._task(log, chunk), self._give_way)
        return self._preparer.prepared(self.batch(log, chunk))

    def batch(self, log: Segment, chunk: Chunk) -> Batch:
        """What becomes of each line."""
        if chunk.long_line:
            return _long_line(chunk.start, chunk.long_line, self.parser(log, chunk))
        return self._preparer.parse(self._task(log, chunk))

    def heading(self, log: Segment, chunk: Chunk) -> Task:
        """What there is to say of the lines of a chunk, without them."""
        log_format, name = str(self._format(log, chunk)), Path(log.path).name
        return Task(log_format, name, chunk.start, b"", chunk.is_terminated)

    def parser(self, log: Segment, chunk: Chunk) -> LineParser:
        """What parses each line of a chunk."""
        return self._formats.parser(self._format(log, chunk))

    def _task(self, log: Segment, chunk: Chunk) -> Task:
        return self.heading(log, chunk)._replace(data=chunk.data)

    def _format(self, log: Segment, chunk: Chunk) -> LogFormat:
        if log.format is None or (log.path, log.generation) in self._ballots:
            chosen = self._given or self._elected(log, chunk)
            if chosen is None:  # nothing recognised yet: rejected, and looked at again next time
                return LogFormat.NATIVE
            if log.format != chosen:
                self._notice(f"{log.path}: {chosen} format")
            log.format = chosen
        return LogFormat(log.format)

    def _elected(self, log: Segment, chunk: Chunk) -> LogFormat | None:
        """By the first lines, which may come one by one; the very first may be of anything."""
        ballot = self._ballots.setdefault((log.path, log.generation), _Ballot())
        wanted = VOTERS - ballot.lines
        if wanted > 0 and chunk.start >= ballot.end:
            lines = chunk.data.split(b"\n", wanted)[:wanted]
            found = self._formats.votes(lines)
            ballot.votes.update(found)
            ballot.lines += len(lines) if found else 0
            ballot.end = chunk.identity.offset
        return elected(ballot.votes)


def _long_line(start: int, line: LongLine, parser: LineParser) -> Batch:
    reject = parser.reject("too_long", line.beginning, f"sha256 {line.sha256}")
    return Batch(rejects=[(start, line.length, reject)], lines=1)
