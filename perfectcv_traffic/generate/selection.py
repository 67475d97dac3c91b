"""Which operations may be called: reading only, nothing that harms the run or costs money."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.generate.openapi import Location
from perfectcv_traffic.generate.operations import METHODS, LeftOut, Operation, Parameter

RISKY: Final = re.compile(
    "(log|sign)[-_]?(out|off)|revoke|deactivate|password|webhook|check[-_]?out|purchase",
    re.IGNORECASE,
)
"""Paths that end the own session, lock accounts, spend money or call others."""
PAYING: Final = re.compile("(?<![a-z])(pay|payments?|charges?|refunds?)(?![a-z])", re.IGNORECASE)
"""Paths that move money when something is written to them; to read them costs nothing."""

_READS: Final = frozenset({"GET"})
_PROBES: Final = frozenset({"HEAD", "OPTIONS", "TRACE"})
_WRITES: Final = frozenset({"POST", "PUT", "PATCH"})
_DELETES: Final = frozenset({"DELETE"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What may be called; patterns are regular expressions searched in `METHOD /path`."""

    allow_writes: bool = False
    allow_deletes: bool = False
    delete_existing: bool = False
    """Deletes what the run did not create, too."""
    read_only: tuple[str, ...] = ()
    """Writing methods that only read: allowed like GET."""
    methods: tuple[str, ...] = ()
    """Narrows to these; HEAD, OPTIONS and TRACE are called only when named here."""
    include: tuple[str, ...] = ()
    """Narrows to operations that match one of these."""
    exclude: tuple[str, ...] = ()
    include_risky: tuple[str, ...] = ()
    """Lifts the guard from the risky operations that match one of these."""

    def __post_init__(self) -> None:
        unknown = sorted(set(self.methods) - set(METHODS))
        if unknown:
            raise UsageError(
                f"unknown method {unknown[0]!r}; the methods are: {', '.join(METHODS)}"
            )
        for pattern in (*self.include, *self.exclude, *self.include_risky, *self.read_only):
            _check_pattern(pattern)

    @property
    def permitted(self) -> frozenset[str]:
        """The methods that may be sent."""
        writes = _WRITES if self.allow_writes else frozenset()
        deletes = _DELETES if self.allow_deletes else frozenset()
        permitted = _READS | writes | deletes | (_PROBES & set(self.methods))
        return permitted & set(self.methods) if self.methods else permitted


def select(
    operations: Iterable[Operation], selection: Selection
) -> tuple[tuple[Operation, ...], tuple[LeftOut, ...]]:
    """The operations that may be called, and the others with the reason for each."""
    chosen: list[Operation] = []
    left_out: list[LeftOut] = []
    for operation in operations:
        reason = why_left_out(operation, selection)
        if reason is None:
            chosen.append(operation)
        else:
            left_out.append(LeftOut(method=operation.method, path=operation.path, reason=reason))
    return tuple(chosen), tuple(left_out)


def why_left_out(
    operation: Operation, selection: Selection, *, is_known: bool = True
) -> str | None:
    """Why an operation may not be called, if so; of one that no document describes (`is_known`)
    nobody can tell what a deletion hits."""
    rules = _RULES if is_known else _RULES[:-1]
    return next((why for rule in rules if (why := rule(operation, selection))), None)


def _not_permitted(operation: Operation, selection: Selection) -> str | None:
    is_named = operation.method in (selection.methods or METHODS)
    is_reading = operation.method in _WRITES and _matches(operation, selection.read_only)
    if operation.method in selection.permitted or (is_named and is_reading):
        return None
    if operation.method in _WRITES and not selection.allow_writes:
        return "writes are not allowed"
    if operation.method in _DELETES and not selection.allow_deletes:
        return "deletes are not allowed"
    return "method not selected"


def _not_matching(operation: Operation, selection: Selection) -> str | None:
    if selection.include and not _matches(operation, selection.include):
        return "not included"
    return "excluded" if _matches(operation, selection.exclude) else None


def _risky(operation: Operation, selection: Selection) -> str | None:
    found = RISKY.search(operation.path)
    if operation.method in _WRITES:
        found = found or PAYING.search(operation.path)
    if found is None or _matches(operation, selection.include_risky):
        return None
    return f"risky: {found[0].lower()}"


def _unsafe_delete(operation: Operation, selection: Selection) -> str | None:
    """Why a DELETE could hit what this run did not create."""
    if operation.method not in _DELETES or _matches(operation, selection.include_risky):
        return None
    in_path = operation.parameters_in(Location.PATH)
    if not in_path or not operation.path.rstrip("/").endswith("}"):
        return "risky: deletes the own account or a collection"
    if not all(_takes_unknown_id(parameter) for parameter in in_path):
        return "risky: no unknown id can be made up"
    return None


def _takes_unknown_id(parameter: Parameter) -> bool:
    return not parameter.schema.keys() & {"enum", "const", "maximum", "maxLength", "$ref"}


def _matches(operation: Operation, patterns: Iterable[str]) -> bool:
    return any(re.search(pattern, operation.key, re.IGNORECASE) for pattern in patterns)


def _check_pattern(pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise UsageError(f"pattern {pattern!r} cannot be used: {error}") from error


_RULES: Final[tuple[Callable[[Operation, Selection], str | None], ...]] = (
    _not_permitted,
    _not_matching,
    _risky,
    _unsafe_delete,
)
