"""Rows of summary tables as typed frames: the one place for dtypes, time zone and sentinels.

A sentinel of the summary ("" or -1, 2^63-1) becomes NA here, so that no analysis can count it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from perfectcv_traffic.analysis.columnar import TEXT, UTC, status_classes, utc
from perfectcv_traffic.analysis.labels import (
    NOT_RECORDED,
    WITH_TOKEN,
    WITHOUT_TOKEN,
)
from perfectcv_traffic.record import TokenValidity
from perfectcv_traffic.summary import sketch
from perfectcv_traffic.summary.tables import UNKNOWN, Row, Table

_DTYPES = {"TEXT": TEXT, "INTEGER": "int64", "BLOB": "object"}
_PAIR = np.dtype([("bucket", "<i4"), ("count", "<i8")])
"""`sketch.PAIR` as numpy reads it."""
_WIDE = frozenset({"duration_us_sum", "duration_square_sum"})
"""Sums of which several may outgrow 64 bits, and of which only means are told: held as floats."""


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells of a summary table of requests, and what their sketches of durations hold.

    `requests` has a row per cell and a plain range as its index; `durations` has a row per cell and
    sketch bucket: cell (position in `requests`), bucket, count, duration_us.
    """

    requests: pd.DataFrame
    durations: pd.DataFrame


def request_cells(table: Table, rows: Iterable[Row]) -> Cells:
    """Cells of requests, whatever the hour; a table without rows gives typed empty frames."""
    raw = typed(table, rows)
    packed = raw.pop("durations")
    requests = _requests(raw)
    return Cells(requests, _durations(packed, requests))


def hourly_cells(table: Table, rows: Iterable[Row]) -> Cells:
    """Cells of requests by the hour and the answer."""
    raw = timed(typed(table, rows), "hour")
    packed = raw.pop("durations")
    status_class = status_classes(_status_codes(raw["status_code"]))
    requests = raw.assign(status_class=status_class, **_extremes(raw))
    return Cells(requests, _durations(packed, requests))


def hour_cells(table: Table, rows: Iterable[Row]) -> pd.DataFrame:
    """Requests of each hour by what is known of their token."""
    cells = timed(typed(table, rows), "hour")
    return cells.assign(token_presence=_presence(cells["token_validity"]))


def null_cells(table: Table, rows: Iterable[Row]) -> pd.DataFrame:
    """Nulls by endpoint, answer and place."""
    return _origin(typed(table, rows))


def seen_cells(table: Table, rows: Iterable[Row], column: str) -> pd.DataFrame:
    """Cells that say when something was seen last."""
    cells = typed(table, rows)
    return cells.assign(**{column: utc(cells[column])})


def timed(cells: pd.DataFrame, column: str) -> pd.DataFrame:
    """The cells with the hours of a column as times; NaT where the log has none."""
    times = pd.to_datetime(cells[column], format="%Y-%m-%dT%H", utc=True, errors="coerce")
    return cells.assign(**{column: times.astype(UTC)})


def typed(table: Table, rows: Iterable[Row]) -> pd.DataFrame:
    """A frame with the columns of a table."""
    columns = list(zip(*rows, strict=True)) or [()] * len(table.columns)
    return pd.DataFrame(
        {
            column.name: pd.Series(
                values, dtype="float64" if column.name in _WIDE else _DTYPES[column.sql_type]
            )
            for column, values in zip((*table.keys, *table.measures), columns, strict=True)
        },
        copy=False,
    )


def _requests(cells: pd.DataFrame) -> pd.DataFrame:
    validity = cells["token_validity"]
    return _origin(cells).assign(
        route_known=cells["route_known"] == 1,
        token_validity=validity.mask(validity == "", NOT_RECORDED),
        token_presence=_presence(validity),
        auth_required=cells["auth_required"].astype("Int64").mask(cells["auth_required"] == UNKNOWN)
        == 1,
        scenario=_known(cells["scenario"]),
        **_extremes(cells),
    )


def _extremes(cells: pd.DataFrame) -> dict[str, pd.Series]:
    """Shortest and longest duration, NA where none is known."""
    is_timed = cells["timed"] > 0
    columns = ("duration_us_min", "duration_us_max")
    return {name: cells[name].astype("float64").where(is_timed) for name in columns}


def _origin(cells: pd.DataFrame) -> pd.DataFrame:
    """The keys that requests and nulls share: which endpoint, which answer."""
    method = _known(cells["method"])
    status = _status_codes(cells["status_code"])
    return cells.assign(
        method=method,
        endpoint=cells["route"].where(method.isna(), cells["method"] + " " + cells["route"]),
        status_code=status,
        status_class=status_classes(status),
    )


def _status_codes(codes: pd.Series) -> pd.Series:
    return codes.astype("Int64").mask(codes == UNKNOWN)


def _known(texts: pd.Series) -> pd.Series:
    return texts.mask(texts == "")


def _presence(validity: pd.Series) -> pd.Series:
    presence = pd.Series(WITH_TOKEN, index=validity.index, dtype=TEXT)
    presence[validity == TokenValidity.ABSENT] = WITHOUT_TOKEN
    presence[validity == ""] = NOT_RECORDED
    return presence


def _durations(packed: pd.Series, requests: pd.DataFrame) -> pd.DataFrame:
    """Every bucket of every sketch, with the duration that it stands for.

    That is the bucket's middle, kept within the cell's true minimum and maximum: never further
    from the true duration than the sketch's relative error, and exact for a cell of one request.
    """
    sketches = packed.tolist()
    pairs = np.frombuffer(b"".join(sketches), dtype=_PAIR)
    lengths = np.fromiter(map(len, sketches), dtype=np.int64, count=len(sketches))
    cell = np.repeat(np.arange(len(sketches)), lengths // _PAIR.itemsize)
    middle = np.exp(pairs["bucket"] * math.log(sketch.GAMMA)) * (2 / (sketch.GAMMA + 1))
    lowest = requests["duration_us_min"].to_numpy()[cell]
    highest = requests["duration_us_max"].to_numpy()[cell]
    return pd.DataFrame(
        {
            "cell": cell,
            "bucket": pairs["bucket"].astype(np.int64),
            "count": pairs["count"].astype(np.int64),
            "duration_us": np.clip(middle, lowest, highest),
        }
    )
