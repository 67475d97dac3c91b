import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from perfectcv_traffic.record import TrafficLog

Program = Callable[..., subprocess.CompletedProcess[str]]


def test_watch_prints_a_line_for_each_look_when_piped(program: Program, tmp_path: Path) -> None:
    now = datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
    records = [
        TrafficLog(
            request_id="1", event_id="1", timestamp=now, status_code=500, response_time_ms=5.0
        ),
        TrafficLog(
            request_id="2", event_id="2", timestamp="2020-01-01T00:00:00.000000Z", status_code=200
        ),
    ]
    log = tmp_path / "a.log"
    log.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in records))

    done = program("watch", "a.log", "--window", "1h", "--interval", "0.1", "--times", "2")

    lines = done.stdout.splitlines()
    assert (done.returncode, len(lines)) == (0, 2)
    assert all("  5xx 100 %  p50 5 ms  " in line for line in lines)
