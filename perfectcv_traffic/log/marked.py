"""How many lines of a log belong to one `generate` run."""

from __future__ import annotations

from pathlib import Path

import msgspec

from perfectcv_traffic.log.reader import chunks_of


def count_run(path: Path, run_id: str) -> int:
    """Whole lines of the log that carry the run id; only our own formats carry one."""
    marker = b'"run_id":' + msgspec.json.encode(run_id)
    return sum(chunk.data.count(marker) for chunk in chunks_of(path))
