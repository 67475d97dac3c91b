"""The tables by the hour as the store keeps them: with no more groups an hour than are wanted.

What matched no route, and the names of null fields, come from clients: a scanner makes up new ones
every hour. As in `overview`, those groups of an hour stay whose hash is smallest, the others are
added up as `(other)`, and which these are depends on nothing but the set of all of them. A path
that was given up in one hour may be there in another; over all time, `overview` has it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from perfectcv_traffic.summary import overview
from perfectcv_traffic.summary.overview import ENDPOINTS, NULL_FIELDS, Rollup
from perfectcv_traffic.summary.summary import Tables, add, packed
from perfectcv_traffic.summary.tables import NULLS, REQUESTS, Key, Row, Table


@dataclass(frozen=True, slots=True)
class Limit:
    """How many groups of an hour a table has; its first key is the hour."""

    rollup: Rollup
    """The same cells without the hour: it knows their groups, and what they are added up as."""
    most: tuple[int, ...]
    """Groups of each tier."""
    kept: str = "0"
    """Which rows are always kept, in SQL."""

    def group(self, key: Key) -> tuple[int, str] | None:
        """The tier and the name of what is kept or added up as a whole; None if always kept."""
        own = key[1:]
        found = self.rollup.group(own)
        return None if found is None or self.rollup.to_other(own) == own else found

    def other(self, key: Key) -> Key:
        """The key under which a cell is added up that is not kept."""
        return (key[0], *self.rollup.to_other(key[1:]))

    def surplus(self, keys: Collection[Key]) -> set[Key]:
        """The keys of groups that are too many, given all keys of some hours."""
        if len(keys) <= min(self.most):
            return set()
        scopes: dict[tuple[object, int], dict[str, list[Key]]] = {}
        for key in keys:
            if (group := self.group(key)) is not None:
                tier, name = group
                scopes.setdefault((key[0], tier), {}).setdefault(name, []).append(key)
        return {
            key
            for (_, tier), groups in scopes.items()
            if len(groups) > self.most[tier]
            for name in _by_rank(tier, groups)[self.most[tier] :]
            for key in groups[name]
        }


LIMITS: Mapping[str, Limit] = {
    REQUESTS.name: Limit(ENDPOINTS, (500, 20), "route_known"),
    NULLS.name: Limit(NULL_FIELDS, (500, 500)),
}
"""By the name of the table. What does not exist is answered 4xx: few of these, for each is asked
for once, and many of the others, which in a log without routes are the application's own."""


def rows(table: Table, summary: Tables) -> Iterable[Row]:
    """Rows of a table as the store has them, ordered by key."""
    if table.name not in LIMITS:
        return summary.rows(table)
    return packed(table, dict(sorted(kept(table, summary.cells(table)).items())))


def kept(table: Table, found: Mapping[Key, list[Any]]) -> dict[Key, list[Any]]:
    """The cells of a table, those of too many groups added up."""
    limit = LIMITS[table.name]
    surplus = limit.surplus(found)
    result: dict[Key, list[Any]] = {}
    for key, measures in found.items():
        add(table, result, limit.other(key) if key in surplus else key, measures)
    return result


def _by_rank(tier: int, names: Iterable[str]) -> list[str]:
    return sorted(names, key=lambda name: (overview.rank(tier, name), name))
