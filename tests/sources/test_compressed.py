"""A compressed log is read directly as it is."""

from __future__ import annotations

import bz2
import gzip
import importlib
import importlib.util
import lzma
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from perfectcv_traffic.analysis.catalogue import analyze
from perfectcv_traffic.sources.answers import read
from perfectcv_traffic.sources.source import Source

LINES = b"".join(b'{"request_id":"r%d","event_id":"e%d","path":"/x"}\n' % (n, n) for n in range(99))


def _zstd(data: bytes) -> bytes:
    compressed: bytes = importlib.import_module("zstandard").compress(data)
    return compressed


COMPRESSIONS = [
    ("gz", gzip.compress),
    ("bz2", bz2.compress),
    ("xz", lzma.compress),
    pytest.param(
        "zst",
        _zstd,
        marks=pytest.mark.skipif(
            not os.environ.get("CI") and importlib.util.find_spec("zstandard") is None,
            reason="zstandard is not installed",
        ),
    ),
]


@pytest.mark.parametrize(("ending", "compress"), COMPRESSIONS)
def test_compressed_log_is_read_directly(
    tmp_path: Path, ending: str, compress: Callable[[bytes], bytes]
) -> None:
    log = tmp_path / f"api.log.{ending}"
    log.write_bytes(compress(LINES))
    totals = analyze(read(Source(tmp_path / "no.db", [log])))["totals"]
    assert totals["requests"].tolist() == [99]
