"""Several processes write one log where the system does not append by itself (Windows).

Such a system cannot be had here, but the turns that writers take there can.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from perfectcv_traffic.capture.append_only_log import AppendOnlyLog
from perfectcv_traffic.capture.process_lock import ProcessLock

LINE = b'{"a":1}\n'


def test_writer_waits_for_its_turn_and_gives_up_when_it_never_comes(
    log: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log.parent.mkdir()
    other = ProcessLock(log.with_name(f"{log.name}.writing"))
    writer = AppendOnlyLog(log, in_turns=True, turn_seconds=0.01)
    assert other.acquire()
    try:
        assert writer.append(LINE) == 0
        assert "another process has held" in caplog.text
    finally:
        other.release()
    assert writer.append(LINE) == len(LINE)
    writer.close()
    assert log.read_bytes() == LINE


def test_writers_in_turns_lose_no_line(log: Path) -> None:
    writers = [AppendOnlyLog(log, in_turns=True, turn_seconds=600) for _ in range(4)]

    def write(writer: AppendOnlyLog) -> int:
        return sum(writer.append(LINE) for _ in range(100))

    with ThreadPoolExecutor(len(writers)) as threads:
        assert list(threads.map(write, writers)) == [100 * len(LINE)] * len(writers)
    for writer in writers:
        writer.close()
    assert log.read_bytes() == LINE * 400


def test_first_turn_makes_the_directory(tmp_path: Path) -> None:
    writer = AppendOnlyLog(tmp_path / "new" / "api.log", in_turns=True)
    assert writer.append(LINE) == len(LINE)
    writer.close()


def test_writer_that_need_not_wait_makes_no_file_of_its_own(log: Path) -> None:
    writer = AppendOnlyLog(log, in_turns=False)
    assert writer.append(LINE) == len(LINE)
    writer.close()
    assert [path.name for path in log.parent.iterdir()] == [log.name]
