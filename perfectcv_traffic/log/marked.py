"""How many lines of a log belong to one `generate` run."""

from __future__ import annotations

from pathlib import Path

import msgspec

from perfectcv_traffic.log import segment


def count_run(path: Path, run_id: str) -> int:
    """Whole lines of the log that carry the run id; only our own formats carry one."""
    marker = b'"run_id":' + msgspec.json.encode(run_id)
    with segment.open_log(path) as log:
        return sum(chunk.data.count(marker) for chunk in segment.chunks(log, None))
