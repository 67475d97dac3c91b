"""Operations x scenarios in a seeded order, as an endless sequence of planned requests.

Every pair is asked once before any is asked again, each time with its next variant. Within such a
round an operation comes after those that list or create what its path parameters name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from random import Random
from typing import Final

from perfectcv_traffic.generate.credential_variants import Wanted, variants
from perfectcv_traffic.generate.credentials import Credentials, CredentialUse, missing_schemes
from perfectcv_traffic.generate.draft import Draft, make_draft
from perfectcv_traffic.generate.openapi import Document, DocumentError
from perfectcv_traffic.generate.operations import LeftOut, Operation
from perfectcv_traffic.generate.own import sparing
from perfectcv_traffic.generate.places import pointer
from perfectcv_traffic.generate.producers import Producers
from perfectcv_traffic.generate.scenarios import Scenario

PRODUCING_SCENARIO = "valid"
VARIANTS: Final = 32
MAX_TURNS: Final = 1_000_003
"""What the turns of a pair's copies are apart: odd, so that each goes through all variants."""
_READING: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_MADE_FROM: Final = {
    CredentialUse.WRONG_SCHEME: "no credential to present under another scheme",
    CredentialUse.EXPIRED: "no expired token",
    CredentialUse.FORGED: "no JWT to forge",
    CredentialUse.LOW_ROLE: "no token of a lower role",
}
"""Why a credential cannot be presented when it is not made up but made from another."""


_Identity = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Pair:
    """A scenario that applies to an operation."""

    operation: Operation
    scenario: Scenario
    copy: int = 0
    """Which one of those of a scenario that is played more often than others."""

    @property
    def key(self) -> tuple[str, str]:
        """Operation and scenario by name."""
        return self.operation.key, self.scenario.name

    @property
    def identity(self) -> _Identity:
        """What tells this pair from every other."""
        return *self.key, self.copy


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One request to come; ids from earlier answers are filled in when it is sent."""

    number: int
    scenario: Scenario
    draft: Draft
    pointer: str | None
    """Where the draft differs from a valid request."""
    after: tuple[int, ...]
    """Numbers of the requests whose answers may hold the ids of this one."""


def draftable(
    document: Document, operations: Iterable[Operation]
) -> tuple[tuple[Operation, ...], tuple[LeftOut, ...]]:
    """The operations that a request can be made up for, and those whose schemas forbid it."""
    reasons = [(operation, _why_undraftable(document, operation)) for operation in operations]
    return (
        tuple(operation for operation, why in reasons if why is None),
        tuple(
            replace(_left_out(operation, why), is_broken=True)
            for operation, why in reasons
            if why is not None
        ),
    )


def pair_up(
    operations: Iterable[Operation], scenarios: Sequence[Scenario], credentials: Credentials
) -> tuple[tuple[Pair, ...], tuple[LeftOut, ...]]:
    """Every scenario that applies to an operation, and those that cannot be played."""
    pairs: list[Pair] = []
    left_out: list[LeftOut] = []
    for operation in operations:
        for scenario in scenarios:
            reason = _why_unplayable(operation, scenario, credentials)
            if reason is not None:
                left_out.append(_left_out(operation, reason, scenario.name))
            elif scenario.applies(operation):
                pairs.append(Pair(operation, scenario))
    return tuple(pairs), tuple(left_out)


def plan_requests(
    document: Document, pairs: Sequence[Pair], producers: Producers, seed: int
) -> Iterator[Planned]:
    """The endless sequence of requests; the same arguments give the same sequence."""
    numbers = count(1)
    feeding = _feeding_pairs(pairs, producers)
    drafts = _Drafts(document, seed)
    first_number: dict[_Identity, int] = {}
    for turn in count() if pairs else ():
        for pair in _producers_first(_shuffled(pairs, seed, turn), feeding):
            number = next(numbers)
            first_number.setdefault(pair.identity, number)
            feeders = (first_number.get(one.identity, number) for one in feeding[pair.identity])
            after = tuple(one for one in feeders if one < number)
            each = turn + MAX_TURNS * pair.copy
            yield _planned(drafts, pair, number=number, turn=each, after=after)


class _Drafts:
    """Valid requests, another at each turn. Those that only read return after `VARIANTS` turns:
    making them anew would cost as much as sending them."""

    def __init__(self, document: Document, seed: int) -> None:
        self._document = document
        self._seed = seed
        self._kept: dict[tuple[str, int, bool], Draft] = {}

    def draft(self, operation: Operation, turn: int, *, is_full: bool) -> Draft:
        if operation.method not in _READING:
            return self._made(operation, turn, is_full=is_full)
        key = (operation.key, turn % VARIANTS, is_full)
        known = self._kept.get(key)
        if known is None:
            known = self._kept[key] = self._made(operation, key[1], is_full=is_full)
        return known

    def _made(self, operation: Operation, turn: int, *, is_full: bool) -> Draft:
        rng = Random(f"{self._seed}:{operation.key}:{turn}")
        return sparing(make_draft(self._document, operation, rng, optional=is_full))


def _planned(
    drafts: _Drafts, pair: Pair, *, number: int, turn: int, after: tuple[int, ...]
) -> Planned:
    scenario = pair.scenario
    # Every other round fills in what is optional: bare requests succeed, full ones reach more.
    draft = drafts.draft(pair.operation, turn, is_full=scenario.is_full or turn % 2 == 1)
    places = scenario.places(draft)
    place = places[turn % len(places)]
    return Planned(
        number=number,
        scenario=scenario,
        draft=scenario.change(draft, place),
        pointer=pointer(place),
        after=after,
    )


def _shuffled(pairs: Sequence[Pair], seed: int, turn: int) -> list[Pair]:
    if len(pairs) == 1:
        return [*pairs]
    return Random(f"{seed}:{turn}").sample(pairs, len(pairs))


def _producers_first(
    pairs: Iterable[Pair], feeding: Mapping[_Identity, tuple[Pair, ...]]
) -> Iterator[Pair]:
    yielded: set[_Identity] = set()
    for pair in pairs:
        for one in (*feeding[pair.identity], pair):
            if one.identity not in yielded:
                yielded.add(one.identity)
                yield one


def _feeding_pairs(
    pairs: Sequence[Pair], producers: Producers
) -> dict[_Identity, tuple[Pair, ...]]:
    valid = {
        one.operation.key: one
        for one in pairs
        if one.scenario.name == PRODUCING_SCENARIO and not one.copy
    }
    return {
        pair.identity: tuple(
            valid[one.key] for one in producers.feeding(pair.operation) if one.key in valid
        )
        for pair in pairs
    }


def _why_undraftable(document: Document, operation: Operation) -> str | None:
    try:
        for optional in (False, True):
            make_draft(document, operation, Random(0), optional=optional)
    except DocumentError as error:
        return error.flaw
    return None


def _why_unplayable(
    operation: Operation, scenario: Scenario, credentials: Credentials
) -> str | None:
    if scenario.credential in _MADE_FROM and scenario.applies(operation):
        return (
            None
            if _can_present(operation, scenario, credentials)
            else _MADE_FROM[scenario.credential]
        )
    # Without the secret `valid` would be `no_token` once more; null variants still tell something.
    if scenario.name != PRODUCING_SCENARIO or scenario.credential is not CredentialUse.VALID:
        return None
    missing = missing_schemes(operation, credentials)
    return f"no credential for {', '.join(missing)}" if missing else None


def _can_present(operation: Operation, scenario: Scenario, credentials: Credentials) -> bool:
    use = scenario.credential
    wanted = (Wanted(scheme=one, credentials=credentials, canary="") for one in operation.schemes)
    return any(variants(use, one) for one in wanted)


def _left_out(operation: Operation, reason: str, scenario: str | None = None) -> LeftOut:
    return LeftOut(method=operation.method, path=operation.path, scenario=scenario, reason=reason)
