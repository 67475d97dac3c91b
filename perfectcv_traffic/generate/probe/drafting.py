"""The attempts at a valid request: what the schema asks for, with ids of objects that exist."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Final

from perfectcv_traffic.errors import TargetError
from perfectcv_traffic.generate.draft import Draft, make_draft
from perfectcv_traffic.generate.formats import later
from perfectcv_traffic.generate.ids import IdPool
from perfectcv_traffic.generate.openapi import Document, Json, Location
from perfectcv_traffic.generate.operations import Operation
from perfectcv_traffic.generate.own import sparing
from perfectcv_traffic.generate.producers import plain, words_of

ATTEMPTS = 5
_CHANGING: Final = ("PUT", "PATCH")
_LATER_TURN: Final = 1


@dataclass(frozen=True, slots=True)
class Attempt:
    """A draft, and ids for its path."""

    draft: Draft
    ids: Mapping[str, str]
    turn: int = field(default=0, compare=False)
    is_full: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Drafter:
    """Makes attempts from what is known so far."""

    document: Document
    ids: IdPool
    seed: int

    def attempts(self, operation: Operation) -> Iterator[Attempt]:
        """Different attempts, the likeliest first."""
        seen: list[Attempt] = []
        is_full = operation.body is not None
        for turn in range(ATTEMPTS):
            attempt = self.attempt(operation, turn, is_full=is_full == (turn % 2 == 0))
            if attempt is not None and attempt not in seen:
                seen.append(attempt)
                yield attempt

    def attempt(
        self, operation: Operation, turn: int, *, is_full: bool, wording: str = ""
    ) -> Attempt | None:
        """One attempt; each turn has other made-up texts and visits other objects. `wording`
        changes the texts alone."""
        key = f"{self.seed}:{operation.key}:{turn // 2}"
        rng, texts = Random(key), Random(f"{key}:{wording}")
        try:
            draft = make_draft(self.document, operation, rng, optional=is_full, texts=texts)
        except TargetError:
            return None
        # Some dates must be over, others must be to come, and no schema says which.
        if turn // 2 == _LATER_TURN:
            draft = _later(draft)
        # The last attempt keeps the author's own examples.
        if turn < ATTEMPTS - 1:
            draft = self._with_known_ids(draft, turn // 2)
        is_write = operation.method not in ("GET", "HEAD")
        if operation.method in _CHANGING:
            draft = sparing(self._with_own_ids(draft, turn // 2))
        drafted = draft.values[Location.PATH]
        ids = self.ids.bind(operation, turn // 2, own_first=is_write, drafted=drafted)
        return Attempt(draft, ids, turn, is_full)

    def again(self, attempt: Attempt, wording: str) -> Attempt | None:
        """An attempt with other made-up texts and nothing else changed: what must be unique, is."""
        operation, turn = attempt.draft.operation, attempt.turn
        other = self.attempt(operation, turn, is_full=attempt.is_full, wording=wording)
        return None if other is None else replace(other, ids=attempt.ids)

    def _with_own_ids(self, draft: Draft, turn: int) -> Draft:
        """The ids in the body are those of the object that is changed: its own, its owner's."""
        known = self.ids.object_for(draft.operation, turn)
        if known is None or not isinstance(draft.body, dict):
            return draft
        body = {
            name: _as(value, known.fields.get(plain(name))) if _is_id(name) else value
            for name, value in draft.body.items()
        }
        return replace(draft, body=body)

    def _with_known_ids(self, draft: Draft, turn: int) -> Draft:
        query = self._replaced(draft.values[Location.QUERY], turn)
        return replace(
            draft,
            values={**draft.values, Location.QUERY: query},
            body=self._replaced(draft.body, turn),
        )

    def _replaced(self, value: Json, turn: int) -> Json:
        if isinstance(value, list):
            return [self._replaced(one, turn) for one in value]
        if not isinstance(value, Mapping):
            return value
        return {name: self._known(name, one, turn) for name, one in value.items()}

    def _known(self, name: str, value: Json, turn: int) -> Json:
        if value is None or isinstance(value, dict | list | bool):
            return self._replaced(value, turn)
        return _as(value, self.ids.named(name, turn))


def _later(draft: Draft) -> Draft:
    query = _each_text(draft.values[Location.QUERY], later)
    values = {**draft.values, Location.QUERY: query}
    return replace(draft, values=values, body=_each_text(draft.body, later))


def _each_text(value: Json, change: Callable[[str], str]) -> Json:
    if isinstance(value, list):
        return [_each_text(one, change) for one in value]
    if isinstance(value, Mapping):
        return {name: _each_text(one, change) for name, one in value.items()}
    return change(value) if isinstance(value, str) else value


def _as(value: Json, known: str | None) -> Json:
    """A known id in the type of the value it replaces."""
    if known is None:
        return value
    if isinstance(value, int):
        return int(known) if known.isdecimal() else value
    return known


def _is_id(name: str) -> bool:
    return words_of(name)[-1:] in (["id"], ["uuid"])
