"""The overview: roll-ups of the summary whose size does not depend on how long the log is.

A summary has a cell for every hour and client; an analysis of the whole log needs neither. Each
roll-up leaves keys out and adds up; it is a function of the summary's cells alone, so it is as
mergeable as they are.

Paths that matched no route and the names of null fields come from clients: a scanner could make any
number of them. At most `MAX_GROUPS` of each are kept, those whose hash is smallest, the rest is
added up as `(other)`. Which ones these are depends on nothing but the set of all of them, so the
order of merging does not matter. Error answers (4xx) have groups of their own: what a scanner did
not find cannot push out what exists.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from perfectcv_traffic import paths
from perfectcv_traffic.summary.summary import Tables, add, packed, total
from perfectcv_traffic.summary.tables import (
    CLIENTS,
    NULLS,
    REQUESTS,
    TABLES,
    Column,
    Key,
    Row,
    Table,
)

MAX_GROUPS = 5000
"""Of each tier."""

TIERS = 2
OTHER = "(other)"
NO_RANK = -1
"""The rank of a cell that is always kept."""

_TIER_BITS = 62

_RANK = Column("rank", "INTEGER", "hash by which groups are kept, -1 when always kept")


@dataclass(frozen=True, slots=True)
class Rollup:
    """A table whose cells add up those of a summary table."""

    table: Table
    source: Table
    to_key: Callable[[Key], Key]
    """From the source's key to its own, without the rank."""
    to_measures: Callable[[Key, list[Any]], list[Any]]
    group: Callable[[Key], tuple[int, str] | None]
    """What is kept or added up as a whole, and its tier; None when it is always kept."""
    to_other: Callable[[Key], Key]
    is_limited: bool = False
    """Whether any of its cells may be added up."""


def _keys(table: Table, *left_out: str) -> tuple[Column, ...]:
    return tuple(column for column in table.keys if column.name not in left_out)


def _same(_key: Key, measures: list[Any]) -> list[Any]:
    return measures


def _endpoint_group(key: Key) -> tuple[int, str] | None:
    _, route, known, status, *_ = key
    return None if known else (int(paths.is_refused(int(status))), str(route))


def _endpoint_other(key: Key) -> Key:
    method, _, *rest = key
    return (method, OTHER, *rest)


def _null_group(key: Key) -> tuple[int, str]:
    _, route, status, _, _, field_path, _ = key
    return int(paths.is_refused(int(status))), f"{route} {field_path}"


def _null_other(key: Key) -> Key:
    method, _, status, source, location, _, kind = key
    return (method, OTHER, status, source, location, OTHER, kind)


def _hour_key(key: Key) -> Key:
    hour, _, _, _, _, validity, _, _ = key
    return (hour, validity)


def _hour_measures(key: Key, measures: list[Any]) -> list[Any]:
    requests, with_null_params, with_null_response = measures[:3]
    status_class = int(key[4]) // 100
    by_class = [requests if status_class == number else 0 for number in range(1, 6)]
    return [requests, *by_class, with_null_params, with_null_response]


def _sum(name: str, meaning: str) -> Column:
    return Column(name, "INTEGER", meaning, "sum")


ENDPOINTS = Rollup(
    Table(
        "summary_endpoints",
        "requests, sizes, nulls and durations of each endpoint, over all time",
        (*_keys(REQUESTS, "hour"), _RANK),
        REQUESTS.measures,
    ),
    REQUESTS,
    lambda key: key[1:],
    _same,
    _endpoint_group,
    _endpoint_other,
    is_limited=True,
)
HOURS = Rollup(
    Table(
        "summary_hours",
        "requests of each hour by what is known of their token",
        (*(c for c in REQUESTS.keys if c.name in ("hour", "token_validity")), _RANK),
        (
            _sum("requests", "number of requests"),
            *(_sum(f"status_{n}xx", f"answered {n}00 to {n}99") for n in range(1, 6)),
            _sum("requests_with_null_params", "requests in which a null was sent"),
            _sum("requests_with_null_response", "requests that were answered with a null"),
        ),
    ),
    REQUESTS,
    _hour_key,
    _hour_measures,
    lambda _key: None,
    lambda key: key,
)
NULL_FIELDS = Rollup(
    Table(
        "summary_null_fields",
        "where nulls were, by route and field, over all time",
        (*_keys(NULLS, "hour"), _RANK),
        NULLS.measures,
    ),
    NULLS,
    lambda key: key[1:],
    _same,
    _null_group,
    _null_other,
    is_limited=True,
)
CLIENT_TOTALS = Rollup(
    Table(
        "summary_clients",
        "requests of each client, over all time",
        (*_keys(CLIENTS, "endpoint", "window_start"), _RANK),
        CLIENTS.measures,
    ),
    CLIENTS,
    lambda key: key[:1],
    _same,
    lambda _key: None,
    lambda key: key,
)

ROLLUPS = (ENDPOINTS, HOURS, NULL_FIELDS, CLIENT_TOTALS)


def cells(rollup: Rollup, source: Mapping[Key, list[Any]]) -> dict[Key, list[Any]]:
    """Cells of a roll-up, the rank last in each key, before any is given up."""
    parts: dict[Key, list[list[Any]]] = {}
    to_key, to_measures = rollup.to_key, rollup.to_measures
    for key, measures in source.items():
        parts.setdefault(to_key(key), []).append(to_measures(key, measures))
    return {
        (*own, _rank_of(rollup, own)): total(rollup.table, found) for own, found in parts.items()
    }


def _rank_of(rollup: Rollup, key: Key) -> int:
    group = rollup.group(key)
    return NO_RANK if group is None else rank(*group)


def rows(rollup: Rollup, summary: Tables) -> Iterable[Row]:
    """Rows of a roll-up of a whole summary, ordered by key."""
    found = kept(rollup, cells(rollup, summary.cells(rollup.source)))
    return packed(rollup.table, dict(sorted(found.items())))


def unranked(rollup: Rollup) -> Table:
    """The table of a roll-up as readers know it: without the rank."""
    return rollup.table._replace(keys=rollup.table.keys[:-1])


def unranked_rows(rollup: Rollup, summary: Tables) -> Iterable[Row]:
    """Rows of a roll-up of a whole summary in the shape of `unranked`, ordered by key."""
    rank = len(rollup.table.keys) - 1
    return ((*row[:rank], *row[rank + 1 :]) for row in rows(rollup, summary))


def unlimited_rows(rollup: Rollup, summary: Tables) -> Iterable[Row]:
    """Rows of a roll-up of a part, to be merged with others before any is given up."""
    return packed(rollup.table, cells(rollup, summary.cells(rollup.source)))


def every_part(summary: Tables) -> list[list[Row]]:
    """Rows of each table, then of each roll-up: a part, to be merged with others."""
    tables = [list(packed(table, summary.cells(table))) for table in TABLES]
    return tables + [list(unlimited_rows(rollup, summary)) for rollup in ROLLUPS]


def kept(rollup: Rollup, found: Mapping[Key, list[Any]]) -> dict[Key, list[Any]]:
    """Cells with no more than `MAX_GROUPS` groups of each tier, the others added up."""
    ranks = {int(key[-1]) for key in found}
    limits = [_highest_kept(ranks, tier) for tier in range(TIERS)]
    result: dict[Key, list[Any]] = {}
    for key, measures in found.items():
        rank = int(key[-1])
        is_kept = rank == NO_RANK or rank <= limits[rank >> _TIER_BITS]
        add(rollup.table, result, key if is_kept else other(rollup, key), measures)
    return result


def other(rollup: Rollup, key: Key) -> Key:
    """The key under which a cell is added up that is not kept."""
    return (*rollup.to_other(key[:-1]), NO_RANK)


def ranks_of(tier: int) -> tuple[int, int]:
    """The lowest and the highest rank of a tier."""
    return tier << _TIER_BITS, ((tier + 1) << _TIER_BITS) - 1


def _highest_kept(ranks: set[int], tier: int) -> int:
    lowest, highest = ranks_of(tier)
    within = [rank for rank in ranks if lowest <= rank <= highest]
    return highest if len(within) <= MAX_GROUPS else heapq.nsmallest(MAX_GROUPS, within)[-1]


@lru_cache(maxsize=16_384)
def rank(tier: int, group: str) -> int:
    """The number by which a group is kept or given up: its hash, within the range of its tier."""
    # A log that is read directly may have half a surrogate pair in a path; a database never has.
    text = group.encode("utf-8", "surrogatepass")
    number = int.from_bytes(hashlib.sha256(text).digest()[:8])
    return (tier << _TIER_BITS) | (number >> (64 - _TIER_BITS))
