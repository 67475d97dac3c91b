"""What one call of `generate` works on, whether it finds, sends or reconciles."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perfectcv_traffic.generate.credentials import Credentials
    from perfectcv_traffic.generate.options import Options
    from perfectcv_traffic.generate.replay import Recording


@dataclass(slots=True)
class Job:
    """What `generate` works on; the ids of the runs it did."""

    target: str
    options: Options
    credentials: Credentials
    db: Path
    recording: Recording | None = None
    """What to send instead of what a document describes."""
    run_ids: list[str] = field(default_factory=list)
