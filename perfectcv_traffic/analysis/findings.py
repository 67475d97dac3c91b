"""What needs attention, as far as recorded traffic proves it. Rule ids are those of `generate`."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import pandas as pd

from perfectcv_traffic.analysis.counts import ratio, spread
from perfectcv_traffic.analysis.frames import Frames
from perfectcv_traffic.analysis.nulls import count_spots
from perfectcv_traffic.analysis.passive import PASSIVE_RULES, Finding, facts_of
from perfectcv_traffic.analysis.recent import evidence
from perfectcv_traffic.analysis.traffic_rules import (
    FAILS_ON_NULL,
    MIN_FAILURES,
    MIN_LIFT,
    UNPROTECTED,
)
from perfectcv_traffic.record import TokenValidity
from perfectcv_traffic.rules import SEVERITIES
from perfectcv_traffic.summary.overview import OTHER

COLUMNS = (
    "rule",
    "severity",
    "method",
    "path",
    "pointer",
    "title",
    "requests",
    "observed",
    "expected",
    "evidence",
)
_ENDPOINT = ["method", "route"]


def findings(frames: Frames) -> pd.DataFrame:
    """Findings by severity, then by the number of requests that show them."""
    found = sorted((one for rule in RULES for one in rule(frames)), key=_rank)
    table = pd.DataFrame(found, columns=list(COLUMNS), dtype="object")
    return table.astype({"requests": "int64"})


def place(method: object, path: object, pointer: str) -> str:
    """Where a finding was made: an endpoint, a field of it, or a client."""
    if pd.isna(path):  # type: ignore[call-overload]
        return pointer
    named = "(empty)" if path == "" else str(path)
    endpoint = named if pd.isna(method) else f"{method} {named}"  # type: ignore[call-overload]
    return endpoint + (f", field {pointer}" if pointer else "")


def _rank(finding: Finding) -> tuple[int, int, str, str, str]:
    place = (str(finding["method"]), str(finding["path"]), finding["pointer"])
    return SEVERITIES.index(finding["severity"]), -finding["requests"], *place


def unprotected(frames: Frames) -> list[Finding]:
    """PT101: a route that declares authentication answered 2xx without a valid token.

    Only `absent` and `invalid` tokens are evidence: of `unknown` ones nobody said they are bad.
    """
    cells = frames.requests
    kinds = {str(TokenValidity.ABSENT): "absent", str(TokenValidity.INVALID): "invalid"}
    refusable = cells[cells["auth_required"] & cells["token_validity"].isin(kinds)]
    answered = spread(refusable, "token_validity", kinds).where(
        refusable["status_class"] == "2xx", 0
    )
    counted = pd.concat([refusable[[*_ENDPOINT, "requests"]], answered], axis=1)
    table = counted.groupby(_ENDPOINT, dropna=False).sum().reset_index()
    table["answered"] = table["absent"] + table["invalid"]
    recent = frames.recent
    proving = recent["auth_required"] & recent["is_refusable"] & (recent["status_class"] == "2xx")
    return _report(table[table["answered"] > 0], _unprotected, recent[proving])


def _unprotected(row: Mapping[Hashable, Any]) -> Finding:
    return {
        **facts_of(UNPROTECTED),
        "requests": row["answered"],
        "observed": (
            f"{row['answered']:,} of {row['requests']:,} requests without a valid token were"
            f" answered 2xx ({row['absent']:,} sent none, {row['invalid']:,} an invalid one)"
        ),
    }


def fails_on_null(frames: Frames) -> list[Finding]:
    """PT201: requests with a null in a field fail 5xx, far more often than those with no null.

    Where every request of an endpoint carries a null there is nothing to compare with: no finding.
    """
    places = frames.nulls[frames.nulls["route"] != OTHER]
    spots = count_spots(places[places["source"] == "request"])
    failing = spots[spots["status_5xx"] > 0]
    table = failing.merge(_without_null(frames), on=_ENDPOINT, how="inner")
    table["lift"] = table["server_error_rate"] / ratio(table["failed_without"], table["without"])
    enough = (table["failed_without"] == 0) | (table["status_5xx"] >= MIN_FAILURES)
    recent = frames.recent
    proving = (recent["null_params_count"] > 0) & (recent["status_class"] == "5xx")
    found = _by_field(_needed(table[(table["lift"] >= MIN_LIFT) & enough]))
    return _report(found, _fails_on_null, recent[proving])


def _needed(spots: pd.DataFrame) -> pd.DataFrame:
    """The spots that fail most often, until they account for all failures of requests with a null.

    Requests carry several nulls: what fails because of one, fails with all that come along. Which
    came along with which no summary tells, so that of equally bad ones all are left.
    """
    rate = [*_ENDPOINT, "server_error_rate"]
    steps = spots.groupby(rate, dropna=False)["status_5xx"].max().iloc[::-1]  # the worst first
    before = steps.groupby(level=_ENDPOINT, dropna=False).cumsum() - steps
    table = spots.merge(before.rename("accounted_for").reset_index(), on=rate)
    return table[table["accounted_for"] < table["failed_with"]]


def _by_field(spots: pd.DataFrame) -> pd.DataFrame:
    """One row for each field, whatever kinds of null it fails on; the least lift of them.

    A request may carry several kinds in a list, but no more of them failed than failed with a null.
    """
    described = spots.assign(
        kinds=[
            f"{failed:,} of {requests:,} requests with {kind} there"
            for failed, requests, kind in zip(
                spots["status_5xx"], spots["requests"], spots["kind"], strict=True
            )
        ]
    )
    same = dict.fromkeys(("without", "failed_without", "failed_with"), "first")  # by endpoint
    fields = described.groupby([*_ENDPOINT, "location", "field_path"], dropna=False, sort=False)
    table = fields.agg({"status_5xx": "sum", "lift": "min", **same})
    table = table.assign(kinds=fields["kinds"].agg(" and ".join)).reset_index()
    return table.assign(status_5xx=table[["status_5xx", "failed_with"]].min(axis=1))


def _without_null(frames: Frames) -> pd.DataFrame:
    cells = frames.requests
    without = cells["requests"] - cells["requests_with_null_params"]
    has_failed = cells["status_class"] == "5xx"
    counted = cells[_ENDPOINT].assign(
        without=without,
        failed_without=without.where(has_failed, 0),
        failed_with=cells["requests_with_null_params"].where(has_failed, 0),
    )
    return counted.groupby(_ENDPOINT, dropna=False).sum().reset_index()


def _fails_on_null(row: Mapping[Hashable, Any]) -> Finding:
    often = "" if math.isinf(row["lift"]) else f", {row['lift']:.1f} times as often"
    return {
        **facts_of(FAILS_ON_NULL),
        "requests": row["status_5xx"],
        "observed": (
            f"{row['kinds']} ({row['location']}) failed 5xx; of {row['without']:,} without any null"
            f" {row['failed_without']:,} did{often}"
        ),
    }


def _report(
    table: pd.DataFrame,
    describe: Callable[[Mapping[Hashable, Any]], Finding],
    proving: pd.DataFrame,
) -> list[Finding]:
    """Findings of the rows of a table, each with ids of the requests that prove it."""
    at = dict(iter(proving.groupby("endpoint")))
    return [
        {
            "method": row["method"],
            "path": row["route"],
            "pointer": row.get("field_path", ""),
            "evidence": evidence(at.get(f"{row['method']} {row['route']}", proving.head(0))),
            **describe(row),
        }
        for row in table.to_dict("records")
    ]


RULES: tuple[Callable[[Frames], list[Finding]], ...] = (unprotected, fails_on_null, *PASSIVE_RULES)
"""Each rule as a function; a further one is added here."""
