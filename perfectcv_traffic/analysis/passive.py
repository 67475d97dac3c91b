"""Findings from how clients and endpoints behave over time.

Test traffic is meant to be refused and to fail: it proves nothing of clients and bursts, and is
left out there. How long answers take it shows as well as any other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from perfectcv_traffic.analysis.comparison import compared
from perfectcv_traffic.analysis.frames import Frames
from perfectcv_traffic.analysis.recent import EVIDENCE, evidence
from perfectcv_traffic.analysis.traffic_rules import (
    BURST,
    GUESSING,
    MIN_ADDRESSES,
    MIN_BURST,
    MIN_BURST_SHARE,
    MIN_REFUSALS,
    MIN_REFUSED_SHARE,
    MIN_TIMED,
    SHARED_TOKEN,
    SLOWED,
    SLOWER,
    TrafficRule,
)
from perfectcv_traffic.record import MASKED_WHOLE, TokenValidity
from perfectcv_traffic.summary.overview import OTHER

Finding = dict[str, Any]
"""A value for each column of `findings`."""

REFUSALS = (401, 403)


def facts_of(rule: TrafficRule) -> Finding:
    """What all findings of a rule have in common."""
    return {
        "rule": rule.id,
        "severity": rule.severity,
        "title": rule.title,
        "expected": rule.expected,
    }


def guessing(frames: Frames) -> list[Finding]:
    """PT301: a client address whose requests were refused again and again."""
    recent = _ordinary(frames)
    is_refused = recent["status_code"].isin(REFUSALS)
    grouped = recent.assign(refused=is_refused.astype("int64")).groupby("client_ip")["refused"]
    table = grouped.agg(["sum", "size"])
    many = table[
        (table["sum"] >= MIN_REFUSALS) & (table["sum"] >= MIN_REFUSED_SHARE * table["size"])
    ]
    proving = _evidence_by(recent[is_refused & recent["client_ip"].isin(many.index)], "client_ip")
    return [
        {
            **facts_of(GUESSING),
            "method": None,
            "path": None,
            "pointer": f"client {client}",
            "requests": counts["sum"],
            "observed": f"{counts['sum']:,} of {counts['size']:,} requests were refused",
            "evidence": proving[client],
        }
        for client, counts in many.to_dict("index").items()
    ]


def shared_tokens(frames: Frames) -> list[Finding]:
    """PT302: one valid token was sent from many addresses.

    Tokens are recorded masked. One that is masked whole tells nothing from another: left out.
    """
    recent = _ordinary(frames)[["api_token", "client_ip", "request_id", "token_validity"]]
    used = recent[recent["token_validity"] == TokenValidity.VALID]
    table = used.groupby("api_token")["client_ip"].agg(["nunique", "size"])
    is_told = ~table.index.isin(["", MASKED_WHOLE])
    many = table[is_told & (table["nunique"] >= MIN_ADDRESSES)]
    proving = _evidence_by(used[used["api_token"].isin(many.index)], "api_token")
    return [
        {
            **facts_of(SHARED_TOKEN),
            "method": None,
            "path": None,
            "pointer": f"token {token}",
            "requests": counts["size"],
            "observed": f"{counts['size']:,} requests from {counts['nunique']:,} addresses",
            "evidence": proving[token],
        }
        for token, counts in many.to_dict("index").items()
    ]


def bursts(frames: Frames) -> list[Finding]:
    """PT303: an endpoint failed 5xx many times within a minute; its worst minute is told."""
    recent = _ordinary(frames).dropna(subset=["timestamp", "method"])
    failed = recent["status_class"] == "5xx"
    keys = ["method", "route", recent["timestamp"].dt.floor("min")]
    table = recent.assign(failed=failed.astype("int64")).groupby(keys)["failed"]
    minutes = table.agg(["sum", "size"]).reset_index()
    burst = minutes[
        (minutes["sum"] >= MIN_BURST) & (minutes["sum"] >= MIN_BURST_SHARE * minutes["size"])
    ]
    worst = burst.sort_values("sum", ascending=False, kind="stable")
    return [
        {
            **facts_of(BURST),
            "method": one["method"],
            "path": one["route"],
            "pointer": "",
            "requests": one["sum"],
            "observed": (
                f"{one['sum']:,} of {one['size']:,} requests within the minute"
                f" {one['timestamp']:%Y-%m-%d %H:%M} UTC failed 5xx"
            ),
            "evidence": evidence(_within(recent[failed], one)),
        }
        for one in worst.drop_duplicates(["method", "route"]).to_dict("records")
    ]


def _within(failed: pd.DataFrame, burst: dict[Any, Any]) -> pd.DataFrame:
    is_there = (failed["method"] == burst["method"]) & (failed["route"] == burst["route"])
    is_then = failed["timestamp"].dt.floor("min") == burst["timestamp"]
    found: pd.DataFrame = failed[is_there & is_then]
    return found


def slowed(frames: Frames) -> list[Finding]:
    """PT304: an endpoint's p95 doubled against the traffic that is compared with."""
    table = compared(frames)
    enough = (table["timed"] >= MIN_TIMED) & (table["timed_before"] >= MIN_TIMED)
    # What is added up as other ones are others each time.
    enough &= table["endpoint"].str.split(" ", n=1).str[-1] != OTHER
    recent = frames.recent
    return [
        {
            **facts_of(SLOWED),
            **_place_of(one["endpoint"]),
            "pointer": "",
            "requests": one["timed"],
            "observed": (
                f"p95 {one['p95_ms']:.1f} ms, before {one['p95_before_ms']:.1f} ms:"
                f" {one['p95_ratio']:.1f} times as long"
            ),
            "evidence": evidence(
                recent[
                    (recent["endpoint"] == one["endpoint"])
                    & (recent["response_time_ms"] >= one["p95_ms"])
                ]
            ),
        }
        for one in table[enough & (table["p95_ratio"] >= SLOWER)].to_dict("records")
    ]


def _place_of(endpoint: str) -> Finding:
    """Method and path of an endpoint, which has no method if none was recorded."""
    method, space, path = endpoint.partition(" ")
    has_method = space and "/" not in method
    return {"method": method, "path": path} if has_method else {"method": None, "path": endpoint}


def _evidence_by(requests: pd.DataFrame, key: str) -> dict[Any, str]:
    """Evidence for each value of a column; there may be hundreds."""
    told = requests[[key, "request_id"]].dropna().drop_duplicates(keep="last")
    latest = told.groupby(key).tail(EVIDENCE).iloc[::-1]
    found: dict[Any, list[str]] = {value: [] for value in requests[key].dropna().unique()}
    for value, request_id in zip(*(latest[name].tolist() for name in latest), strict=True):
        found[value].append(request_id)
    return {value: " ".join(ids) for value, ids in found.items()}


def _ordinary(frames: Frames) -> pd.DataFrame:
    """Requests but for test traffic, which says so itself: a stranger who says so is not believed.

    Of a run that is known any address may be, else only those of this machine.
    """
    recent = frames.recent
    says_so = recent["scenario"].fillna("") != ""
    is_known = recent["run_id"].isin(frames.runs["run_id"]) | _is_loopback(recent["client_ip"])
    return recent[~(says_so & is_known)]


def _is_loopback(address: pd.Series) -> pd.Series:
    return address.isin(["::1"]) | address.str.startswith("127.").fillna(value=False)


PASSIVE_RULES: tuple[Callable[[Frames], list[Finding]], ...] = (
    guessing,
    shared_tokens,
    bursts,
    slowed,
)
