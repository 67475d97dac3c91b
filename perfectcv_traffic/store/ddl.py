"""Tables, columns, indexes and views made, for the steps of the schema."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping

NAME_LENGTH = 40
"""Characters of column names in the name of an index."""


def columns(text: str) -> dict[str, str]:
    """Names and types of columns written as in a table: `id INTEGER, path TEXT`."""
    return dict(column.split() for column in text.split(","))


def create_table(
    connection: sqlite3.Connection,
    name: str,
    types: Mapping[str, str],
    *,
    not_null: Collection[str] = (),
    references: Mapping[str, str] | None = None,
) -> None:
    """Make a table with the key `id`; `references` says which table a column's ids are of."""
    wanted = {"id": "PRIMARY KEY", **dict.fromkeys(set(not_null) - {"id"}, "NOT NULL")}
    for column, table in (references or {}).items():
        wanted[column] = f'REFERENCES "{table}"("id")'
    lines = [f'"{column}" {kind} {wanted.get(column, "")}' for column, kind in types.items()]
    body = ",\n   ".join(line.rstrip() for line in lines)
    connection.execute(f'CREATE TABLE "{name}" (\n   {body}\n)')


def add_column(
    connection: sqlite3.Connection, table: str, name: str, sql_type: str, rest: str = ""
) -> None:
    """Add a column; `rest` are constraints and a default."""
    connection.execute(f'ALTER TABLE "{table}" ADD COLUMN "{name}" {sql_type} {rest}'.rstrip())


def create_index(
    connection: sqlite3.Connection, table: str, names: Collection[str], *, unique: bool = False
) -> None:
    """Make an index named after its columns."""
    index = f"{table}_{'_'.join(names)[:NAME_LENGTH]}"
    kind = "UNIQUE INDEX" if unique else "INDEX"
    keys = ", ".join(f'"{name}"' for name in names)
    connection.execute(f'CREATE {kind} "{index}" ON "{table}" ({keys})')


def create_view(connection: sqlite3.Connection, name: str, query: str) -> None:
    """Make a view."""
    connection.execute(f'CREATE VIEW "{name}" AS {query}')
