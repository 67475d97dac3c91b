"""Findings that were accepted earlier: a file of fingerprints, with date and note."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from perfectcv_traffic.errors import StorageError
from perfectcv_traffic.generate.probe.findings import Finding


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """One accepted finding; `note` is for people to fill in."""

    fingerprint: str
    rule: str = ""
    method: str = ""
    path: str = ""
    pointer: str = ""
    date: str = ""
    note: str = ""


class _File(msgspec.Struct):
    accepted: list[Accepted]


def read_accepted(path: Path) -> tuple[Accepted, ...]:
    """What a baseline file accepts; a file that is not there accepts nothing."""
    try:
        return tuple(msgspec.json.decode(path.read_bytes(), type=_File).accepted)
    except FileNotFoundError:
        return ()
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StorageError(
            f"baseline {path} cannot be read ({error}): write it with --update-baseline"
        ) from error


def write_accepted(
    path: Path,
    known: Iterable[Accepted],
    findings: Iterable[Finding],
    *,
    untested: Iterable[Accepted] = (),
    date: str,
) -> None:
    """Accept `findings`; what was accepted before and is found again keeps its date and note, and
    so does what the run did not look at."""
    before = {one.fingerprint: one for one in known}
    found = tuple(findings)
    again = {one.fingerprint for one in found}
    accepted = [one for one in untested if one.fingerprint not in again] + [
        before.get(one.fingerprint)
        or Accepted(
            fingerprint=one.fingerprint,
            rule=one.rule,
            method=one.method,
            path=one.path,
            pointer=one.pointer,
            date=date,
        )
        for one in found
    ]
    path.write_bytes(msgspec.json.format(msgspec.json.encode(_File(accepted)), indent=2) + b"\n")


def split(
    findings: Iterable[Finding], accepted: Iterable[Accepted]
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """The findings that are new, and those that were accepted."""
    known = {one.fingerprint for one in accepted}
    listed = tuple(findings)
    return (
        tuple(one for one in listed if one.fingerprint not in known),
        tuple(one for one in listed if one.fingerprint in known),
    )
