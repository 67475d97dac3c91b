"""What the shutdown of an API may have done besides: the log stored, the analysis written."""

from __future__ import annotations

import logging
import subprocess
from pathlib import Path

from perfectcv_traffic import module_command
from perfectcv_traffic.capture import child
from perfectcv_traffic.capture.ingester import model_option
from perfectcv_traffic.record import TrafficLog

ANALYSIS_SECONDS = 60.0

logger = logging.getLogger("perfectcv_traffic")


def analyze(log: Path, db: Path, output: Path, model: type[TrafficLog] = TrafficLog) -> None:
    """Ingest the log and write the analysis, each in a child process and for a bounded time."""
    for arguments in (
        ("ingest", log, "--db", db, *model_option(model)),
        ("analyze", "--db", db, "--output", output),
    ):
        try:
            subprocess.run(
                module_command.python("perfectcv_traffic", *arguments),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=child.environment(),
                timeout=ANALYSIS_SECONDS,
                check=True,
            )
        except (OSError, subprocess.SubprocessError) as error:
            logger.warning("no analysis on shutdown: %s", error)
            return
