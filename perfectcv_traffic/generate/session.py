"""What is known of a run afterwards, whatever it was for."""

from __future__ import annotations

from dataclasses import dataclass

from perfectcv_traffic.generate.operations import LeftOut
from perfectcv_traffic.generate.outcome import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One run: what was sent where, and what came back."""

    run_id: str
    target: str
    """The URL before every path."""
    seed: int
    outcomes: tuple[Outcome, ...]
    """One for each request sent, in the order of their answers."""
    setup_ids: tuple[str, ...]
    """Ids of the requests that prepared the run; they are marked, but no outcomes."""
    left_out: tuple[LeftOut, ...]
    seconds: float
