"""What an answer to a credential that must be refused means."""

from __future__ import annotations

from enum import Enum
from typing import Final

from perfectcv_traffic.generate.probe.rungs import NOTHING, Rung
from perfectcv_traffic.generate.statuses import (
    BAD_REQUEST,
    CLIENT_ERRORS,
    SERVER_ERRORS,
    SUCCESS,
    TOO_MANY_REQUESTS,
)

REFUSALS: Final = frozenset({401, 403})


class Meaning(Enum):
    """What became of a wrong credential."""

    REFUSED = "refused"
    ACCEPTED = "accepted"
    CRASHED = "crashed"
    LET_THROUGH = "let through"
    """Something other than the credential was answered: only a control tells what it means."""
    UNKNOWN = "unknown"


def meaning(rung: Rung, status: int | None) -> Meaning:
    """What the status says of the credential."""
    if status is None or status == TOO_MANY_REQUESTS:
        return Meaning.UNKNOWN
    if status in SUCCESS:
        return Meaning.ACCEPTED
    # RFC 6750 answers 400 to a header that is malformed; without any there is nothing malformed.
    if status in REFUSALS or (status == BAD_REQUEST and rung.kind is not NOTHING):
        return Meaning.REFUSED
    if status in SERVER_ERRORS:
        return Meaning.CRASHED
    return Meaning.LET_THROUGH if status in CLIENT_ERRORS else Meaning.UNKNOWN
