"""Typed columns from plain values: text that may hold anything, times in UTC."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import pandas as pd

from perfectcv_traffic.analysis.labels import NO_RESPONSE, OTHER, STATUS_CLASSES

UTC: Final = "datetime64[us, UTC]"
TEXT: Final = "string[python]"
"""Not Arrow's strings: they cannot hold a lone surrogate, and a path may."""


def typed_frame(dtypes: Mapping[str, str], rows: Iterable[tuple[object, ...]]) -> pd.DataFrame:
    """A frame of rows whose values are in the order of the columns; typed if there are none."""
    columns = list(zip(*rows, strict=True)) or [()] * len(dtypes)
    return pd.DataFrame(
        {
            name: pd.Series(list(values), dtype=dtype)
            for (name, dtype), values in zip(dtypes.items(), columns, strict=True)
        },
        copy=False,
    )


def utc(texts: pd.Series) -> pd.Series:
    """Times of `TrafficLog.timestamp`; NaT for what is none."""
    times = pd.to_datetime(texts, utc=True, errors="coerce", format="ISO8601")
    return times.astype(UTC)


def status_classes(codes: pd.Series) -> pd.Series:
    """The class of each status, `2xx` and so on; NA, for no status, is `no response`."""
    names = (codes // 100).map({int(name[0]): name for name in STATUS_CLASSES[:5]})
    return names.astype(TEXT).fillna(OTHER).mask(codes.isna(), NO_RESPONSE)
