"""Identifiers harvested from answers, for the path parameters of later requests.

A DELETE gets only what this run created itself, else an id that nothing has.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Final

from perfectcv_traffic.generate.openapi import Json, Location
from perfectcv_traffic.generate.operations import PATH_PARAMETER, Operation
from perfectcv_traffic.generate.own import holds_credentials, is_own_account, own_ids
from perfectcv_traffic.generate.patterns import matching_text
from perfectcv_traffic.generate.producers import Producers, collection_of, plain, words_of

_CHANGING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
MAX_LISTED = 3
"""Listed objects visited per collection."""
MAX_REMEMBERED = 1000
"""Further objects of a collection that are known to be somebody else's."""
MAX_CREATED = 100
MAX_ID_CHARACTERS = 200
MAX_WRAPPERS = 3
UNKNOWN_INTEGER = 2_000_000_000
"""Fits 32 bits, and no test database has counted so far."""


@dataclass(frozen=True, slots=True)
class Harvested:
    """One object of an answer: its scalar fields, and the path values its collection was at."""

    fields: Mapping[str, str]
    parents: tuple[str, ...] = ()
    collection: str = ""

    def id_for(self, hole: str) -> str | None:
        """The field that a path parameter asks for: `resume_id` is `resume_id` or `id`."""
        words = words_of(hole)
        wanted = (plain(hole), words[-1] if words else "", "id", "uuid")
        return next((self.fields[name] for name in wanted if name in self.fields), None)

    @property
    def identity(self) -> Hashable:
        """What tells it from every other of its collection: its id, else all that is known."""
        own = self.id_for("id")
        return (tuple(sorted(self.fields.items())), self.parents) if own is None else own


@dataclass(slots=True)
class _Collection:
    listed: list[Harvested] = field(default_factory=list)
    created: list[Harvested] = field(default_factory=list)
    others: set[Hashable] = field(default_factory=set)
    """Identities of objects that are not visited, but not ours either."""

    def add_listed(self, found: Iterable[Harvested]) -> None:
        known = _identities((*self.listed, *self.created))
        for one in found:
            if one.identity in known:
                continue
            if len(self.listed) < MAX_LISTED:
                self.listed.append(one)
                known.add(one.identity)
            elif len(self.others) < MAX_REMEMBERED:
                self.others.add(one.identity)

    def add_created(self, found: Iterable[Harvested]) -> None:
        # An upsert answers a POST with what was there before: that is not ours to delete. Nor is
        # what two creations are answered with: it may have been there before the first.
        for one in found:
            if one.identity in _identities(self.created):
                self.others.add(one.identity)
            elif one.identity not in _identities(self.listed) and len(self.created) < MAX_CREATED:
                self.created.append(one)


class IdPool:
    """What is known of each collection during a run."""

    def __init__(self, producers: Producers) -> None:
        self.producers = producers
        self.deletes_existing = False
        """A DELETE may hit what the run did not create."""
        self.own: set[str] = set()
        """Ids of the account that the run's credential belongs to: never changed."""
        self._collections: defaultdict[str, _Collection] = defaultdict(_Collection)

    def wants(self, operation: Operation) -> bool:
        """Whether an answer of `operation` could tell anything new."""
        if operation.method == "GET" and is_own_account(operation):
            return not self.own
        if operation not in self.producers:
            return False
        listed = self._collections[collection_of(operation.path)].listed
        return operation.method == "POST" or len(listed) < MAX_LISTED

    def learn(self, operation: Operation, path: Mapping[str, str], answer: Json) -> None:
        """Keep the objects of a 2xx answer; `path` holds the path values that were asked for."""
        if operation.method == "GET" and is_own_account(operation):
            self.own |= own_ids(answer)
        parents = tuple(path.get(hole, "") for hole in PATH_PARAMETER.findall(operation.path))
        name = collection_of(operation.path)
        # Some answer a creation with the object, some with nothing but its id or slug.
        is_created = operation.method == "POST" and isinstance(answer, dict | str | int)
        told = [answer] if is_created else listed_objects(answer)[:MAX_REMEMBERED]
        found = [
            Harvested(fields, parents, name) for one in told if (fields := _scalar_fields(one))
        ]
        collection = self._collections[name]
        (collection.add_created if is_created else collection.add_listed)(found)

    def has_listed(self, operation: Operation) -> bool:
        """Whether a list answer has told of any object of the operation's collection."""
        return bool(self._collections[collection_of(operation.path)].listed)

    def object_for(self, operation: Operation, turn: int) -> Harvested | None:
        """The object that `bind` names at this turn, own ones first."""
        for hole in PATH_PARAMETER.findall(operation.path)[-1:]:
            found = self._known(operation, hole, _created) or self._known(operation, hole, _all)
            if found:
                return found[turn % len(found)][0]
        return None

    def forget(self, operation: Operation, path: Mapping[str, str]) -> None:
        """Drop the object that a DELETE has removed."""
        for hole in PATH_PARAMETER.findall(operation.path)[-1:]:
            for name in self.producers.collections(operation, hole):
                known = self._collections[name]
                for kept in (known.listed, known.created):
                    kept[:] = [one for one in kept if one.id_for(hole) != path.get(hole)]

    def named(self, name: str, turn: int = 0) -> str | None:
        """The id of an object that a query parameter or body field such as `job_id` names."""
        for collection in self.producers.named(name):
            known = self._collections[collection]
            found = [text for one in (*known.listed, *known.created) if (text := one.id_for(name))]
            if found:
                return found[turn % len(found)]
        return None

    def created(self, operation: Operation) -> list[str]:
        """The ids of the objects that this run created and that `operation` may delete."""
        holes = PATH_PARAMETER.findall(operation.path)
        return [text for _, text in self._deletable(operation, holes[-1])] if holes else []

    def bind(
        self,
        operation: Operation,
        turn: int,
        *,
        own_first: bool = False,
        drafted: Mapping[str, Json] | None = None,
    ) -> dict[str, str]:
        """Ids for path parameters, another object at each turn; a parameter without a known id
        is left out, unless what is `drafted` for it is not to be changed. An object's parents come
        with it, so that they belong together. `own_first` prefers what this run created."""
        bound: dict[str, str] = {}
        holes = PATH_PARAMETER.findall(operation.path)
        for hole in reversed(holes):
            is_last = hole == holes[-1]
            is_deleted = operation.method == "DELETE" and is_last
            if is_deleted and not self.deletes_existing:
                found = self._deletable(operation, hole)
            else:
                found = self._known(operation, hole, _created) if own_first and is_last else []
                found = found or self._known(operation, hole, _all)
            is_spared = self._is_spared(operation, str((drafted or {}).get(hole)))
            is_spared = is_spared or self._may_name_credential(operation, hole)
            if hole not in bound and found:
                chosen, text = found[turn % len(found)]
                bound = {**_parents(operation, hole, chosen), hole: text, **bound}
            elif hole not in bound and (is_deleted or is_spared):
                bound[hole] = unknown_id(operation, hole, turn)
        return bound

    def _deletable(self, operation: Operation, hole: str) -> list[tuple[Harvested, str]]:
        """Objects that are ours beyond doubt: a number that was created in another collection may
        be that of somebody else's object here."""
        before = collection_of(operation.path.partition(f"{{{hole}}}")[0])
        is_told = self.producers.knows(before)
        return [
            (one, text)
            for one, text in self._known(operation, hole, _own)
            if one.collection == before or not (is_told or text.isdecimal())
        ]

    def _known(
        self, operation: Operation, hole: str, kept: Callable[[_Collection], list[Harvested]]
    ) -> list[tuple[Harvested, str]]:
        if kept is _all and self._may_name_credential(operation, hole):
            kept = _created
        for name in self.producers.collections(operation, hole):
            named = [(one, one.id_for(hole)) for one in kept(self._collections[name])]
            found = [
                (one, text)
                for one, text in named
                if text is not None and not self._is_spared(operation, text)
            ]
            if found:
                return found
        return []

    def _may_name_credential(self, operation: Operation, hole: str) -> bool:
        """Whether a change could hit the run's own key: only created ones may be changed there."""
        before = collection_of(operation.path.partition(f"{{{hole}}}")[0])
        names = {before, *self.producers.collections(operation, hole)}
        return operation.method in _CHANGING and any(map(holds_credentials, names))

    def _is_spared(self, operation: Operation, text: str) -> bool:
        return operation.method in _CHANGING and text in self.own


def _all(collection: _Collection) -> list[Harvested]:
    return [*collection.listed, *collection.created]


def _created(collection: _Collection) -> list[Harvested]:
    return collection.created


def _own(collection: _Collection) -> list[Harvested]:
    """What this run created beyond doubt."""
    return [one for one in collection.created if one.identity not in collection.others]


def _identities(found: Iterable[Harvested]) -> set[Hashable]:
    return {one.identity for one in found}


def _parents(operation: Operation, hole: str, chosen: Harvested) -> dict[str, str]:
    """The path values that an object's collection was at, if the operation's path goes there."""
    before = operation.path.partition(f"{{{hole}}}")[0]
    if collection_of(before) != chosen.collection:
        return {}
    return dict(zip(PATH_PARAMETER.findall(before), chosen.parents, strict=False))


def listed_objects(answer: Json) -> list[Json]:
    """The items of a list answer, also of one wrapped as in `{"items": [...], "total": 3}`."""
    for _ in range(MAX_WRAPPERS):
        if isinstance(answer, list):
            return answer
        inner = list(answer.values()) if isinstance(answer, dict) else []
        lists: list[Json] = [value for value in inner if isinstance(value, list)]
        answer = next(iter(lists or [one for one in inner if isinstance(one, dict)]), None)
    return []


def _scalar_fields(value: Json) -> dict[str, str]:
    found = value if isinstance(value, dict) else {"id": value}
    return {
        plain(name): str(part)
        for name, part in found.items()
        if isinstance(part, str | int)
        and not isinstance(part, bool)
        and 0 < len(str(part)) <= MAX_ID_CHARACTERS
    }


def unknown_id(operation: Operation, hole: str, turn: int) -> str:
    """An id that nothing has, of the type that the path parameter takes."""
    found = (one for one in operation.parameters_in(Location.PATH) if one.name == hole)
    schema = next(found).schema
    if schema.get("type") == "integer":
        return str(UNKNOWN_INTEGER + turn % 1_000_000)
    if schema.get("format") in ("uuid", "uuid4"):
        return str(uuid.UUID(int=turn, version=4))
    return f"unknown-{turn}"


def well_formed_id(operation: Operation, hole: str, turn: int) -> str:
    """An id that most likely nothing has, of the form that the path parameter asks for: no
    deletion must be sent to it."""
    found = (one for one in operation.parameters_in(Location.PATH) if one.name == hole)
    pattern = next(found).schema.get("pattern")
    rng = Random(f"{operation.key}:{turn}")
    text = matching_text(pattern, rng=rng) if isinstance(pattern, str) else None
    return text or unknown_id(operation, hole, turn)
