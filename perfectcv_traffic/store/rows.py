"""Rows of `api_requests` as statements, column by column.

Most columns of most logs hold the same in hundreds of rows: nobody sends rate limits, nothing is
cut. Such a value is bound once for all rows of a statement, and a column of nothing but NULL is
left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from perfectcv_traffic.log.native import NULL, StoredForm
from perfectcv_traffic.record import TrafficLog
from perfectcv_traffic.store.inserts import Insert, parts, statement
from perfectcv_traffic.store.schema import DERIVED_COLUMNS

Column = Sequence[Any]


AT_ONCE = 256
"""Records whose columns are looked at together."""


class RowGroup(NamedTuple):
    """Some rows with the same columns."""

    columns: tuple[str, ...]
    shared: int
    """So many of the first columns have one value for all rows."""
    parts: list[tuple[int, list[Any]]]
    """Rows of each statement and what it binds: a place for the id of the log, the shared values,
    those of each row."""

    def statements(self, log_id: int) -> Iterator[tuple[str, list[Any]]]:
        """Statements that insert the rows, and what they bind."""
        insert = Insert("api_requests", self.columns, self.shared, flags=_FLAGS)
        for rows, values in self.parts:
            values[0] = log_id
            yield statement(insert, rows), values


class RequestRows:
    """Makes statements of records.

    A column that once differed within a statement is taken to differ from then on, so that the
    statements are the same ones again and again and stay prepared.
    """

    def __init__(self, form: StoredForm) -> None:
        self._form = form
        self._columns = ("log_offset", *form.columns)
        self._different: set[int] = set()
        self._known: set[int] = set()
        """Columns that were something else than NULL."""

    def groups(self, records: Sequence[tuple[int, TrafficLog]]) -> list[RowGroup]:
        """Statements that insert these records, each given with its offset."""
        found = [
            self._values(records[start : start + AT_ONCE])
            for start in range(0, len(records), AT_ONCE)
        ]
        for columns in found:
            self._look_at(columns)
        own = sorted(self._different)
        shared = sorted(self._known - self._different)
        names = ("log_file_id", *(self._columns[number] for number in (*shared, *own)))
        return [
            RowGroup(names, len(shared) + 1, list(_bound(columns, shared, own)))
            for columns in found
        ]

    def _values(self, records: Sequence[tuple[int, TrafficLog]]) -> list[Column]:
        offsets = [offset for offset, _ in records]
        return [offsets, *self._form.bound([record for _, record in records])]

    def _look_at(self, columns: list[Column]) -> None:
        """Learn which columns differ, and which are known at all."""
        for number, column in enumerate(columns):
            if number not in self._different and not _is_shared(column):
                self._different.add(number)
            if column[0] is not NULL:
                self._known.add(number)


_FLAGS = tuple(zip(DERIVED_COLUMNS, ("null_params_count", "null_response_count"), strict=True))


def _is_shared(column: Column) -> bool:
    first, last = column[0], column[-1]
    # NaN, which stands for NULL, is found by being the same object.
    return (last is first or last == first) and column.count(first) == len(column)


def _bound(
    columns: list[Column], shared: list[int], own: list[int]
) -> Iterator[tuple[int, list[Any]]]:
    """The values of each statement: whole columns are put in place, which is fastest."""
    first = [None, *(columns[number][0] for number in shared)]
    for start, end in parts(len(columns[0]), len(first) + len(own)):
        values = first + [None] * (len(own) * (end - start))
        for place, number in enumerate(own, len(first)):
            values[place :: len(own)] = columns[number][start:end]
        yield end - start, values
