"""The rows of a long answer that are shown, and how the others are told."""

from __future__ import annotations

import pandas as pd

from perfectcv_traffic.analysis.analysis import Analysis


def excerpt(frame: pd.DataFrame, analysis: Analysis, most: int) -> tuple[pd.DataFrame, str]:
    """At most so many rows of an answer, and which these are; nothing is said of all.

    Of hours the last ones: what is new matters. Everything else has its most important row first.
    """
    if len(frame) > most and "hour" in frame:
        return frame.tail(most), f"the last {most} of {len(frame):,}"
    if len(frame) > most:
        return frame.head(most), f"the first {most} of {len(frame):,}"
    may_go_on = len(frame) == analysis.most
    return frame, f"the first {len(frame)}, there may be more" if may_go_on else ""
