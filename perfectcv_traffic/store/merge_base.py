"""What merging takes of a source whether it has rows or not: its logs, rejects and findings."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from perfectcv_traffic.store.counted import meta
from perfectcv_traffic.store.schema import FINDINGS, GENERATED_REQUESTS

_LOG = (
    "path, generation, committed_offset, head_length, head, anchor_length, anchor, updated,"
    " format, lines, rejected, blank, salvaged"
)

_LINES = 8
"""The place of `lines` after the path."""

IS_MERGED_LOG = (
    "EXISTS (SELECT 1 FROM main.store_meta"
    " WHERE name = 'merged findings of ' || substr({0}, 1, instr({0}, ':') - 1))"
)
"""Whether the path of a row of `log_files` is that of a log which came with a merged database."""


class Merged(NamedTuple):
    """What was taken from a source."""

    new: int
    duplicate: int
    """Known, from this source or another: all the rest of it."""


class Taking:
    """What is taken of the database attached as `source`, and how far it was."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.source_id = str(meta(connection, "id", "source"))

    def logs(self) -> list[int]:
        """The own row of each log of the source, and whether what the source says of it counts."""
        execute = self.connection.execute
        execute("DROP TABLE IF EXISTS temp.merged_logs")
        execute("CREATE TEMP TABLE merged_logs (source INTEGER PRIMARY KEY, own, is_current)")
        own_ids = []
        for row in execute(f"SELECT id, {_LOG} FROM source.log_files").fetchall():
            source_id, path, *values = row
            own, is_current = self._own_log(f"{self.source_id}:{path}", values)
            execute("INSERT INTO merged_logs VALUES (?, ?, ?)", (source_id, own, is_current))
            own_ids.append(own)
        return own_ids

    def _own_log(self, path: str, values: list[object]) -> tuple[int, bool]:
        generation = values[0]
        execute = self.connection.execute
        own = execute(
            "SELECT id FROM main.log_files WHERE path = ? AND generation = ?", (path, generation)
        ).fetchone()
        if own is None:
            marks = ", ".join("?" * (1 + len(values)))
            own = execute(
                f"INSERT INTO main.log_files ({_LOG}, stored, duplicate)"
                f" VALUES ({marks}, 0, 0) RETURNING id",
                (path, *values),
            ).fetchone()
            return int(own[0]), True
        names = _LOG.removeprefix("path, ").split(", ")
        assignments = ", ".join(f"{name} = ?" for name in names)
        updated = execute(  # an older copy of the source tells nothing new
            f"UPDATE main.log_files SET {assignments} WHERE id = ? AND lines <= ?",
            (*values, own[0], values[_LINES]),
        )
        return int(own[0]), updated.rowcount > 0

    def finish(self) -> None:
        """Take everything but the requests: small, known by its own keys or by a number."""
        execute = self.connection.execute
        logs = self.logs()
        for own in logs:
            execute(
                "UPDATE main.log_files SET duplicate = lines - stored - rejected - blank + salvaged"
                " WHERE id = ?",
                (own,),
            )
        self._take_rejects()
        generated = ", ".join([*GENERATED_REQUESTS][1:])
        execute(
            f"INSERT INTO main.generated_requests ({generated})"
            f" SELECT {generated} FROM source.generated_requests WHERE true ON CONFLICT DO NOTHING"
        )
        findings = ", ".join([*FINDINGS][1:])
        last = self.get("findings")
        execute(
            f"INSERT INTO main.findings ({findings})"
            f" SELECT {findings} FROM source.findings WHERE id > ?",
            (last,),
        )
        top = execute("SELECT coalesce(max(id), 0) FROM source.findings").fetchone()[0]
        self.set("findings", max(last, top))

    def _take_rejects(self) -> None:
        """Take what the source rejects, and no longer what it could read in the end."""
        self.connection.execute(
            "DELETE FROM main.rejected_lines AS m WHERE log_file_id IN"
            " (SELECT own FROM temp.merged_logs WHERE is_current) AND NOT EXISTS (SELECT 1"
            " FROM source.rejected_lines s JOIN temp.merged_logs l ON l.source = s.log_file_id"
            " WHERE l.own = m.log_file_id AND s.log_offset = m.log_offset)"
        )
        self.connection.execute(
            "INSERT INTO main.rejected_lines (log_file_id, log_offset, length, reason, raw, detail)"
            " SELECT l.own, s.log_offset, s.length, s.reason, s.raw, s.detail"
            " FROM source.rejected_lines s JOIN temp.merged_logs l ON l.source = s.log_file_id"
            " WHERE l.is_current ON CONFLICT DO NOTHING"
        )

    def get(self, what: str) -> int:
        """How far something was taken, 0 for not at all."""
        row = self.connection.execute(
            "SELECT value FROM main.store_meta WHERE name = ?", (self._name(what),)
        ).fetchone()
        return int(row[0]) if row else 0

    def set(self, what: str, value: int) -> None:
        """Remember how far something was taken."""
        self.connection.execute(
            "INSERT INTO main.store_meta (name, value) VALUES (?, ?)"
            " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (self._name(what), str(value)),
        )

    def _name(self, what: str) -> str:
        return f"merged {what} of {self.source_id}"
