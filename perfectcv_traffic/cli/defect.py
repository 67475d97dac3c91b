"""The last resort: an error that nobody expected is one line too, and no exit code of a result."""

from __future__ import annotations

import os
import sys
import traceback

from perfectcv_traffic.errors import ExitCode
from perfectcv_traffic.settings import variable

TRACEBACK = variable("traceback")
"""Set to anything, the Python traceback of a defect is printed before the line."""
MOST_CHARACTERS = 200


def tell(error: Exception) -> int:
    """Say what failed and how to learn more; the exit code."""
    if os.environ.get(TRACEBACK):
        traceback.print_exception(error)
    from perfectcv_traffic.render.text import visible

    why = f"{type(error).__name__}: {error}".partition("\n")[0][:MOST_CHARACTERS]
    sys.stderr.write(
        f"perfectcv-traffic: {visible(why)}: this is a defect of perfectcv-traffic, please report"
        f" it with what {TRACEBACK}=1 shows\n"
    )
    return ExitCode.DEFECT
