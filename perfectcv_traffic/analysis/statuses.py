"""How requests were answered."""

from __future__ import annotations

import pandas as pd

from perfectcv_traffic.analysis.counts import requests_by, requests_for, shares
from perfectcv_traffic.analysis.frames import Frames
from perfectcv_traffic.analysis.labels import STATUS_CLASSES


def status_distribution(frames: Frames) -> pd.DataFrame:
    """Requests by exact status code; an unknown code (no response was sent) comes last."""
    table = requests_by(frames.requests, ("status_code", "status_class"))
    return table.assign(share_of_requests=shares(table["requests"]))


def status_classes(frames: Frames) -> pd.DataFrame:
    """Requests by status class, zeros included."""
    table = requests_for(frames.requests, "status_class", STATUS_CLASSES)
    return table.assign(share_of_requests=shares(table["requests"]))
