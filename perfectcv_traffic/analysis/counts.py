"""Counting: requests by key, spread over labels, and shares of a stated base."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from perfectcv_traffic.analysis.labels import (
    NO_RESPONSE,
    NOT_RECORDED,
    OTHER,
    STATUS_CLASSES,
    WITH_TOKEN,
    WITHOUT_TOKEN,
)

CLASS_COLUMNS: Mapping[str, str] = {
    name: {OTHER: "status_other", NO_RESPONSE: "no_response"}.get(name, f"status_{name}")
    for name in STATUS_CLASSES
}
"""Column of each status class in a table that has one column per class."""

PRESENCE_COLUMNS: Mapping[str, str] = {
    WITH_TOKEN: "with_token",
    WITHOUT_TOKEN: "without_token",
    NOT_RECORDED: "token_not_recorded",
}


def requests_by(cells: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Requests by key, in the order of the keys; unknown keys (NA) count too."""
    return cells.groupby(list(keys), dropna=False)["requests"].sum().reset_index()


def requests_for(cells: pd.DataFrame, key: str, labels: Sequence[str]) -> pd.DataFrame:
    """Requests for each label in the given order, zeros included."""
    counts = cells.groupby(key)["requests"].sum().reindex(list(labels), fill_value=0)
    return counts.rename_axis(key).astype("int64").reset_index()


def spread(cells: pd.DataFrame, key: str, columns: Mapping[str, str]) -> pd.DataFrame:
    """`requests` of every cell in the column of its label, 0 in the others."""
    counts = cells["requests"].to_numpy()
    of_cell = pd.Index(columns).get_indexer(pd.Index(cells[key]))
    return pd.DataFrame(
        {name: counts * (of_cell == place) for place, name in enumerate(columns.values())},
        index=cells.index,
    )


def shares(counts: pd.Series) -> pd.Series:
    """Each count as a share of all of them; NaN where there is nothing to share."""
    return ratio(counts, pd.Series(counts.sum(), index=counts.index))


def ratio(part: pd.Series, base: pd.Series) -> pd.Series:
    """Part of a base, element by element; NaN, never 0, where the base is 0."""
    known = base.to_numpy("float64", na_value=np.nan)
    shares = np.full(len(part), np.nan)
    np.divide(part.to_numpy("float64", na_value=np.nan), known, out=shares, where=known > 0)
    return pd.Series(shares, index=part.index)
