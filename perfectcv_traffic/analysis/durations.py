"""How long answers took, in milliseconds. The base is always the requests that were timed."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from perfectcv_traffic.analysis.cells import Cells
from perfectcv_traffic.analysis.counts import ratio, shares
from perfectcv_traffic.analysis.frames import Frames
from perfectcv_traffic.analysis.quantiles import MAXIMUM, MINIMUM, quantiles
from perfectcv_traffic.summary import sketch

PERMILLES = {
    "min_ms": MINIMUM,
    "p50_ms": 500,
    "p90_ms": 900,
    "p95_ms": 950,
    "p99_ms": 990,
    "max_ms": MAXIMUM,
}

BUCKETS_PER_BAND = 12
"""Sketch buckets in a band of the distribution: whole buckets, so that its counts are exact."""

BANDS_MS = {"< 100 ms": 100, "100 to < 500 ms": 500, "500 ms to < 1 s": 1000}
LAST_BAND = ">= 1 s"


def durations(frames: Frames) -> pd.DataFrame:
    """One row: mean, quantiles, extremes and standard deviation over all timed requests."""
    everything = np.zeros(len(frames.requests), dtype=np.int64)
    table = duration_statistics(frames, everything).reindex([0])
    return table.assign(timed=table["timed"].fillna(0).astype("int64"))


def endpoint_durations(frames: Frames) -> pd.DataFrame:
    """The same by endpoint, the one that took most time in all first."""
    grouped = frames.requests.groupby("endpoint")
    table = duration_statistics(frames, grouped.ngroup().to_numpy(dtype="int64"))
    table.insert(0, "endpoint", grouped.size().index)
    table = table[table["timed"] > 0]
    return table.sort_values(["total_ms", "endpoint"], ascending=[False, True], ignore_index=True)


def duration_statistics(cells: Cells, group: npt.NDArray[np.integer[Any]]) -> pd.DataFrame:
    """Statistics of durations for each group of cells, numbered as in `quantiles`."""
    columns = ["timed", "duration_us_sum", "duration_square_sum"]
    sums = cells.requests.groupby(group)[columns].sum().drop(index=-1, errors="ignore")
    table = quantiles(cells, group, PERMILLES)
    table.insert(0, "timed", sums["timed"])
    table.insert(1, "total_ms", (sums["duration_us_sum"] / 1000).where(sums["timed"] > 0))
    table.insert(2, "mean_ms", ratio(sums["duration_us_sum"], sums["timed"]) / 1000)
    return table.assign(std_ms=_deviation(table, sums["duration_square_sum"] / 1000))


def _deviation(table: pd.DataFrame, squares: pd.Series) -> pd.Series:
    """Population standard deviation.

    Squares are summed in whole thousandths of ms²: what that rounding adds is kept out by the
    bounds that hold for any set of values, 0 and half of its range (Popoviciu's inequality).
    """
    variance = (squares / table["timed"] - table["mean_ms"] ** 2).clip(lower=0)
    return (variance**0.5).clip(upper=(table["max_ms"] - table["min_ms"]) / 2)


def duration_distribution(frames: Frames) -> pd.DataFrame:
    """Timed requests in adjoining bands of equal width on a logarithmic scale."""
    band = (frames.durations["bucket"] - 1) // BUCKETS_PER_BAND
    counts = frames.durations["count"].groupby(band).sum()
    if len(counts):
        counts = counts.reindex(range(counts.index[0], counts.index[-1] + 1), fill_value=0)
    bands = counts.index.to_numpy(dtype="float64")
    return pd.DataFrame(
        {
            "from_ms": _edges_ms(bands),
            "to_ms": _edges_ms(bands + 1),
            "timed": counts.to_numpy(),
            "share_of_timed": shares(counts).to_numpy(),
        }
    )


def _edges_ms(bands: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return sketch.GAMMA ** (bands * BUCKETS_PER_BAND) / 1000


def duration_bands(frames: Frames) -> pd.DataFrame:
    """Timed requests in the bands people speak of; their edges blur by the sketch's error."""
    edges_us = [edge * 1000 for edge in BANDS_MS.values()]
    durations_us = frames.durations["duration_us"].to_numpy()
    band = np.searchsorted(edges_us, durations_us, side="right")
    counts = frames.durations["count"].groupby(band).sum()
    counts = counts.reindex(range(len(edges_us) + 1), fill_value=0)
    table = pd.DataFrame({"band": [*BANDS_MS, LAST_BAND], "timed": counts.to_numpy()})
    return table.assign(share_of_timed=shares(table["timed"]))
