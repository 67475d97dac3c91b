"""Client windows and paths as columns, and what is told of them without a row for each."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from perfectcv_traffic.columns import times
from perfectcv_traffic.columns.codes import Codes, dense
from perfectcv_traffic.columns.seen import Rows, Seen, collected, taken
from perfectcv_traffic.summary.tables import Row


class ClientWindows(Seen):
    """Requests by client, route and hour: the table `tables.CLIENTS`."""

    def __init__(self, clients: Codes[str], routes: Codes[str]) -> None:
        super().__init__([clients, routes])

    def summary_rows(self, clients: Collection[str] | None = None) -> list[Row]:
        """Rows in the order of their keys, of some clients or all."""
        rows = self.rows() if clients is None else self._of(clients)
        if rows is None:
            return []
        client, route, hour = rows.keys
        hours, of_row = dense(hour)
        texts = [
            list(map(self.texts(0).__getitem__, client.tolist())),
            list(map(self.texts(1).__getitem__, route.tolist())),
            list(map(times.hour_texts(hours).__getitem__, of_row.tolist())),
        ]
        return sorted(zip(*texts, *_measures(rows), strict=True))

    def _of(self, clients: Collection[str]) -> Rows | None:
        """Rows of some clients, each key once."""
        is_wanted = np.array([name in clients for name in self.texts(0)], dtype=np.bool_)
        rows = self.parts(lambda part: taken(part, np.flatnonzero(is_wanted[part.keys[0]])))
        return None if rows is None else collected(rows)


class ClientTotals(Seen):
    """Requests by client: told without a look at every window."""

    def __init__(self, clients: Codes[str]) -> None:
        super().__init__([clients])

    def summary_rows(self) -> list[Row]:
        """Each client's requests, last request and whether ever blocked, in order of its name."""
        rows = self.rows()
        if rows is None:
            return []
        names = map(self.texts(0).__getitem__, rows.keys[0].tolist())
        return sorted(zip(names, *_measures(rows), strict=True))


class Paths(Seen):
    """Accesses by path: the table `tables.URLS`."""

    def __init__(self, paths: Codes[str]) -> None:
        super().__init__([paths])

    def summary_rows(self, most: int | None = None) -> list[Row]:
        """Rows in the order of paths; of most, only those with at least as many accesses."""
        rows = self.rows()
        if rows is None:
            return []
        if most is not None and len(rows.times) > most:
            least = np.partition(rows.times, -most)[-most]
            rows = taken(rows, np.flatnonzero(rows.times >= least))
        count, last, _ = _measures(rows)
        paths = map(self.texts(0).__getitem__, rows.keys[0].tolist())
        return sorted(zip(paths, count, last, strict=True))


def _measures(rows: Rows) -> tuple[list[int], list[str], list[int]]:
    return rows.times.tolist(), times.texts(rows.last), rows.blocked.tolist()
