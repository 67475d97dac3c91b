"""What was called beside the routes, and which routes were never called."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from perfectcv_traffic.analysis.columnar import typed_frame
from perfectcv_traffic.analysis.counts import ratio, spread
from perfectcv_traffic.analysis.frames import Frames

TOP = 20
NEVER_CALLED = "documented, never called"
NOT_DOCUMENTED = "called, not documented"
_CLASSES = {"2xx": "status_2xx", "4xx": "status_4xx", "5xx": "status_5xx"}


def unmatched_paths(frames: Frames) -> pd.DataFrame:
    """Normalised paths for which no route is known, those with most requests first."""
    cells = frames.requests[~frames.requests["route_known"]]
    counted = pd.concat(
        [cells[["endpoint", "requests"]], spread(cells, "status_class", _CLASSES)], axis=1
    )
    table = counted.groupby("endpoint").sum().reset_index()
    table = table.assign(client_error_rate=ratio(table["status_4xx"], table["requests"]))
    return table.sort_values(
        ["requests", "endpoint"], ascending=[False, True], ignore_index=True
    ).head(TOP)


def uncalled_routes(frames: Frames) -> pd.DataFrame:
    """Operations of the OpenAPI document that nobody called, routes called that it lacks.

    Empty when no document was given.
    """
    if frames.documented is None:
        return typed_frame(_COVERAGE, ())
    cells = frames.requests[frames.requests["route_known"]].dropna(subset="method")
    sums = cells.groupby(["method", "route"])["requests"].sum()
    called = {(str(key[0]), str(key[1])): int(number) for key, number in _items(sums)}
    never = sorted(frames.documented - set(called))
    unknown = sorted(set(called) - frames.documented)
    rows = [(f"{method} {path}", NEVER_CALLED, 0) for method, path in never]
    rows += [(f"{method} {path}", NOT_DOCUMENTED, called[method, path]) for method, path in unknown]
    return typed_frame(_COVERAGE, rows)


def _items(sums: pd.Series) -> Iterator[tuple[tuple[object, ...], int]]:
    """Keys and values of a series by several keys."""
    return zip(sums.index.to_list(), sums.to_list(), strict=True)


_COVERAGE = {"endpoint": "string[python]", "coverage": "string[python]", "requests": "int64"}
