"""A real log that nobody here wrote, counted twice: by us, and by awk."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perfectcv_traffic.store.batch import Counts
from perfectcv_traffic.store.ingest import ingest

LOG = Path(__file__).parents[2].parent / "shared" / "data" / "apache_combined.log"

pytestmark = [
    pytest.mark.skipif(not LOG.exists(), reason="the real log is not here"),
    pytest.mark.skipif(shutil.which("awk") is None, reason="awk counts independently"),
]


def counted(program: str) -> dict[str, int]:
    """What awk counts: lines of `count name`."""
    output = subprocess.run(
        ["awk", program, str(LOG)], capture_output=True, text=True, check=True
    ).stdout
    pairs = (line.split(" ", 1) for line in output.splitlines())
    return {name: int(count) for count, name in pairs}


def test_real_log_is_stored_whole_and_counts_as_awk_does(
    db: Path, query: Callable[..., list[tuple[Any, ...]]]
) -> None:
    assert ingest([LOG], db) == Counts(lines=10_000, new=10_000)

    by_status = counted(
        """match($0, /" [0-9][0-9][0-9] [0-9-]/) { n[substr($0, RSTART + 2, 3)]++ }
        END { for (s in n) print n[s], s }"""
    )
    ours = query("SELECT CAST(status_code AS TEXT), count(*) FROM api_requests GROUP BY 1")
    assert dict(ours) == by_status
    summary = query(
        "SELECT CAST(status_code AS TEXT), sum(requests) FROM summary_endpoints GROUP BY 1"
    )
    assert dict(summary) == by_status

    paths = counted(
        """{ split($0, q, "\\""); split(q[2], r, " "); split(r[2], p, "?"); n[p[1]]++ }
        END { for (s in n) print n[s], s }"""
    )
    top = sorted(paths.items(), key=lambda item: (-item[1], item[0]))[:10]
    found = query("SELECT path, access_count FROM url_access_counts ORDER BY 2 DESC, 1 LIMIT 10")
    assert found == top
