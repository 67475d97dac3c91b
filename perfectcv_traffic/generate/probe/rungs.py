"""The credentials that must be refused, from none at all to the token of a lower role."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from perfectcv_traffic.generate.credential_variants import (
    Presented,
    Variant,
    Wanted,
    place,
    variants,
)
from perfectcv_traffic.generate.credentials import Credentials, CredentialUse
from perfectcv_traffic.generate.operations import Operation
from perfectcv_traffic.generate.security import SecurityScheme


@dataclass(frozen=True, slots=True)
class Kind:
    """What one use of a credential proves when it is accepted."""

    use: CredentialUse
    scenario: str
    rule: str
    implies_all: bool = False
    """Whoever accepts this accepts every other wrong credential: no further finding in that."""
    core: int = 99
    """So many variants are always sent; the others only while requests are left for them."""


NOTHING: Final = Kind(CredentialUse.NONE, "no_token", "PT101", implies_all=True)
KINDS: Final = (
    Kind(CredentialUse.INVALID, "invalid_token", "PT102", implies_all=True),
    Kind(CredentialUse.EMPTY, "empty_token", "PT105"),
    Kind(CredentialUse.WRONG_SCHEME, "wrong_scheme", "PT105", core=2),
    Kind(CredentialUse.EXPIRED, "expired_token", "PT103"),
    Kind(CredentialUse.FORGED, "forged_token", "PT104", core=2),
    Kind(CredentialUse.MALFORMED, "malformed_token", "PT102", core=0),
)
LOW_ROLE: Final = Kind(CredentialUse.LOW_ROLE, "low_role", "PT107")


@dataclass(frozen=True, slots=True)
class Rung:
    """One credential that must be refused."""

    kind: Kind
    label: str
    presented: Presented
    is_core: bool


@dataclass(frozen=True, slots=True)
class Unit:
    """One scheme under test at an operation; the others present what is right, or nothing."""

    scheme: SecurityScheme
    others: tuple[SecurityScheme, ...] = ()
    alternatives: tuple[SecurityScheme, ...] = ()
    """Schemes that are enough by themselves."""


def rung_of_none() -> Rung:
    """No credential at all."""
    return Rung(NOTHING, "no credential", Presented(), is_core=True)


def rungs(unit: Unit, credentials: Credentials, canary: str) -> Iterator[Rung]:
    """The wrong credentials of one scheme, what proves most first."""
    for kind in KINDS:
        yield from _rungs_of(kind, unit, credentials, canary)


def low_role_rungs(operation: Operation, credentials: Credentials) -> list[Rung]:
    """The token of a lower role, if there is one."""
    units = units_of(operation)
    return [one for unit in units for one in _rungs_of(LOW_ROLE, unit, credentials, "")][:1]


def without(operation: Operation, scheme: SecurityScheme, credentials: Credentials) -> Rung:
    """What is right for every scheme but one, which gets nothing."""
    others = tuple(one for one in operation.schemes if one != scheme)
    presented = _right(others, credentials)
    return Rung(NOTHING, f"no credential for {scheme.name}", presented, is_core=True)


def _rungs_of(kind: Kind, unit: Unit, credentials: Credentials, canary: str) -> Iterator[Rung]:
    wanted = Wanted(scheme=unit.scheme, credentials=credentials, canary=canary)
    right = [_right((one,), credentials) for one in unit.alternatives]
    for number, variant in enumerate(variants(kind.use, wanted)):
        presented = _wrong(unit, variant, credentials)
        # One secret may serve two schemes: under the wrong one it is right under the other.
        if any(_holds(presented, one) for one in right):
            continue
        yield Rung(kind, variant.label, presented, is_core=number < kind.core)


def _holds(presented: Presented, right: Presented) -> bool:
    """Whether all of a right credential, if there is one, is among what is presented."""
    pairs = (
        (presented.headers, right.headers),
        (presented.query, right.query),
        (presented.cookies, right.cookies),
    )
    is_there = any(theirs for _, theirs in pairs)
    return is_there and all(theirs.items() <= mine.items() for mine, theirs in pairs)


def units_of(operation: Operation) -> list[Unit]:
    """Each scheme of an operation, as if each were enough."""
    schemes = operation.schemes
    return [
        Unit(scheme, alternatives=tuple(one for one in schemes if one != scheme))
        for scheme in schemes
    ]


def _wrong(unit: Unit, variant: Variant, credentials: Credentials) -> Presented:
    presented = Presented()
    place(presented, unit.scheme, variant)
    right = _right(unit.others, credentials)
    for mine, theirs in (
        (presented.headers, right.headers),
        (presented.query, right.query),
        (presented.cookies, right.cookies),
    ):
        for name, text in theirs.items():
            mine.setdefault(name, text)
    presented.shell.update(right.shell)
    return presented


def _right(schemes: tuple[SecurityScheme, ...], credentials: Credentials) -> Presented:
    presented = Presented()
    for scheme in schemes:
        wanted = Wanted(scheme=scheme, credentials=credentials, canary="")
        for variant in variants(CredentialUse.VALID, wanted):
            place(presented, scheme, variant)
    return presented
