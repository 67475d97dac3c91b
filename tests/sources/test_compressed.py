"""A compressed log is read directly as it is, and as far as it can be read."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pandas as pd

from perfectcv_traffic.analysis.catalogue import analyze
from perfectcv_traffic.analysis.health import gaps
from perfectcv_traffic.sources.answers import read
from perfectcv_traffic.sources.source import Source


class Compression(Protocol):
    compress: Callable[[bytes], bytes]
    beginning: Callable[[bytes], bytes]


def lines(count: int) -> bytes:
    """Lines of which no two are alike, so that they stay long when they are compressed."""
    chance = random.Random(count)
    return b"".join(
        b'{"request_id":"%d","event_id":"e%d","path":"/%x"}\n'
        % (number, number, chance.getrandbits(400))
        for number in range(count)
    )


def answers(log: Path) -> dict[str, pd.DataFrame]:
    return analyze(read(Source(log.with_name("no.db"), [log])))


def test_compressed_log_is_read_directly(tmp_path: Path, compression: Compression) -> None:
    log = tmp_path / "api.log.1"
    log.write_bytes(compression.compress(lines(99)) + compression.compress(lines(100)[-100:]))
    found = answers(log)
    assert found["totals"]["requests"].tolist() == [99]
    assert found["health"]["damaged_logs"].tolist() == [None]


def test_all_before_the_damage_is_read_and_the_damage_told(
    tmp_path: Path, compression: Compression
) -> None:
    packed = compression.compress(lines(20_000))
    cut = packed[: len(packed) * 2 // 3]
    (tmp_path / "api.log.1").write_bytes(cut)
    whole_lines = compression.beginning(cut).count(b"\n")
    assert 5_000 < whole_lines < 20_000
    found = answers(tmp_path / "api.log.1")
    assert found["totals"]["requests"].tolist() == [whole_lines]
    assert found["health"]["damaged_logs"].tolist() == ["api.log.1"]
    assert "api.log.1: damaged, or still being written, and read only up to there." in gaps(
        found["health"]
    )
