"""Rows and analyses as Parquet, with their types; needs pyarrow, which is an extra."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from perfectcv_traffic.errors import UsageError

AT_ONCE = 10_000
"""Rows that are held at once: a database may have more than fit into memory."""
MISSING = "--format parquet needs pyarrow: pip install 'perfectcv-traffic[parquet]'"


def write_rows(path: Path, types: Mapping[str, str], rows: Iterable[Sequence[Any]]) -> None:
    """Rows whose columns have these SQL types; raises `UsageError` without pyarrow."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise UsageError(MISSING) from error
    kinds = {"INTEGER": pyarrow.int64(), "REAL": pyarrow.float64()}
    schema = pyarrow.schema(
        [(name, kinds.get(sql_type, pyarrow.string())) for name, sql_type in types.items()]
    )
    with parquet.ParquetWriter(path, schema) as writer:
        for some in _pieces(rows):
            columns = zip(*some, strict=True)
            arrays = [
                pyarrow.array(values, type=field.type)
                for values, field in zip(columns, schema, strict=True)
            ]
            writer.write_batch(pyarrow.record_batch(arrays, schema=schema))


def write_frame(path: Path, frame: pd.DataFrame) -> None:
    """The answer of an analysis; raises `UsageError` without pyarrow."""
    try:
        frame.to_parquet(path, index=False)
    except ImportError as error:
        raise UsageError(MISSING) from error


def _pieces(rows: Iterable[Sequence[Any]]) -> Iterator[list[Sequence[Any]]]:
    left = iter(rows)
    while some := list(islice(left, AT_ONCE)):
        yield some
