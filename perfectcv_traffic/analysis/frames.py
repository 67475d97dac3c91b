"""Rows of the mergeable summary as typed frames: the one place for dtypes, time zone and sentinels.

A sentinel of the summary ("" or -1, 2^63-1) becomes NA here, so that no analysis can count it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from perfectcv_traffic import sketch
from perfectcv_traffic.analysis import recent
from perfectcv_traffic.analysis.columnar import TEXT, UTC, typed_frame, utc
from perfectcv_traffic.record import TokenValidity
from perfectcv_traffic.summary import CLIENTS, NULLS, REQUESTS, UNKNOWN, URLS, Row, Table

NOT_RECORDED = "not recorded"
WITH_TOKEN = "with token"  # a label, not a secret
WITHOUT_TOKEN = "without token"
TOKEN_PRESENCES = (WITH_TOKEN, WITHOUT_TOKEN, NOT_RECORDED)
TOKEN_VALIDITIES = (*(str(validity) for validity in TokenValidity), NOT_RECORDED)

OTHER = "other"
NO_RESPONSE = "no response"
STATUS_CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx", OTHER, NO_RESPONSE)
"""Every request is in exactly one; `other` is a number outside 100 to 599."""

_DTYPES = {"TEXT": TEXT, "INTEGER": "int64", "BLOB": "object"}
_PAIR = np.dtype([("bucket", "<i4"), ("count", "<i8")])
"""`sketch.PAIR` as numpy reads it."""


@dataclass(frozen=True, slots=True)
class Health:
    """What became of the log's lines, and the time they span (as in `TrafficLog.timestamp`)."""

    ingested: int = 0
    rejected: int = 0
    duplicates: int = 0
    dropped: int = 0
    first_request: str | None = None
    last_request: str | None = None


@dataclass(frozen=True, slots=True)
class Frames:
    """Everything an analysis may read.

    `requests` has a row per summary cell and a plain range as its index; `durations` has a row per
    cell and sketch bucket: cell (position in `requests`), bucket, count, duration_us. `recent` has
    a row for each of the latest requests, see `analysis.recent`.
    """

    requests: pd.DataFrame
    durations: pd.DataFrame
    nulls: pd.DataFrame
    clients: pd.DataFrame
    urls: pd.DataFrame
    health: Health
    recent: pd.DataFrame
    generated: pd.DataFrame
    documented: frozenset[tuple[str, str]] | None = None
    """Method and path of every operation of an OpenAPI document, None if none was given."""
    previous: Frames | None = None
    """What to compare with."""


@dataclass(frozen=True, slots=True)
class Extras:
    """What is read beside the summary; each may be missing."""

    recent: Iterable[tuple[object, ...]] = ()
    """Values of `recent.FIELDS` of the latest requests, oldest first."""
    generated: Iterable[tuple[object, ...]] = ()
    """Values of `GENERATED` of what `generate` sent."""
    documented: frozenset[tuple[str, str]] | None = None
    previous: Frames | None = None


GENERATED = {
    "scenario": TEXT,
    "expected": TEXT,
    "status_code": "Int64",
    "as_expected": "Int64",
    "error": TEXT,
    "is_recorded": "int64",
}
"""Columns of `generated_requests` that are read, and whether the request is in `api_requests`."""

NO_EXTRAS = Extras()


def frames(rows: Mapping[str, Iterable[Row]], health: Health, extras: Extras = NO_EXTRAS) -> Frames:
    """Frames of summary rows by table name; a table without rows gives a typed empty frame."""
    raw = {table.name: _typed(table, rows.get(table.name, ())) for table in _TABLES}
    cells = raw[REQUESTS.name]
    packed = cells.pop("durations")
    requests = _requests(cells)
    return Frames(
        requests=requests,
        durations=_durations(packed, requests),
        nulls=_nulls(raw[NULLS.name]),
        clients=_seen(_times(raw[CLIENTS.name], "window_start"), "last_request"),
        urls=_seen(raw[URLS.name], "last_accessed"),
        health=health,
        recent=recent.frame(extras.recent),
        generated=typed_frame(GENERATED, extras.generated),
        documented=extras.documented,
        previous=extras.previous,
    )


_TABLES = (REQUESTS, NULLS, CLIENTS, URLS)
_WIDE = frozenset({"duration_square_sum"})
"""Sums that may outgrow 64 bits: held as floats."""


def _seen(cells: pd.DataFrame, column: str) -> pd.DataFrame:
    return cells.assign(**{column: utc(cells[column])})


def _typed(table: Table, rows: Iterable[Row]) -> pd.DataFrame:
    columns = list(zip(*rows, strict=True)) or [()] * len(table.columns)
    return pd.DataFrame(
        {
            column.name: pd.Series(
                values, dtype="float64" if column.name in _WIDE else _DTYPES[column.sql_type]
            )
            for column, values in zip((*table.keys, *table.measures), columns, strict=True)
        }
    )


def _requests(cells: pd.DataFrame) -> pd.DataFrame:
    timed = cells["timed"] > 0
    return _origin(cells).assign(
        route_known=cells["route_known"] == 1,
        token_validity=cells["token_validity"].mask(cells["token_validity"] == "", NOT_RECORDED),
        token_presence=_presence(cells["token_validity"]),
        auth_required=cells["auth_required"].astype("Int64").mask(cells["auth_required"] == UNKNOWN)
        == 1,
        scenario=_known(cells["scenario"]),
        duration_us_min=cells["duration_us_min"].astype("float64").where(timed),
        duration_us_max=cells["duration_us_max"].astype("float64").where(timed),
    )


def _nulls(cells: pd.DataFrame) -> pd.DataFrame:
    return _origin(cells)


def _origin(cells: pd.DataFrame) -> pd.DataFrame:
    """The keys that requests and nulls share: when, which endpoint, which answer."""
    method = _known(cells["method"])
    status = cells["status_code"]
    return _times(cells, "hour").assign(
        method=method,
        endpoint=cells["route"].where(method.isna(), cells["method"] + " " + cells["route"]),
        status_code=status.astype("Int64").mask(status == UNKNOWN),
        status_class=_status_class(status),
    )


def _times(cells: pd.DataFrame, column: str) -> pd.DataFrame:
    times = pd.to_datetime(cells[column], format="%Y-%m-%dT%H", utc=True, errors="coerce")
    return cells.assign(**{column: times.astype(UTC)})


def _known(texts: pd.Series) -> pd.Series:
    return texts.mask(texts == "")


def _presence(validity: pd.Series) -> pd.Series:
    presence = pd.Series(WITH_TOKEN, index=validity.index, dtype=TEXT)
    presence[validity == TokenValidity.ABSENT] = WITHOUT_TOKEN
    presence[validity == ""] = NOT_RECORDED
    return presence


def _status_class(status: pd.Series) -> pd.Series:
    names = (status // 100).map({int(name[0]): name for name in STATUS_CLASSES[:5]})
    names = names.astype(TEXT).fillna(OTHER)
    return names.mask(status == UNKNOWN, NO_RESPONSE)


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
