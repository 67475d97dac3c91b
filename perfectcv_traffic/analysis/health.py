"""Whether the recorder and ingest can be trusted to have seen everything."""

from __future__ import annotations

from dataclasses import asdict

import pandas as pd

from perfectcv_traffic.analysis.columnar import utc
from perfectcv_traffic.analysis.frames import Frames
from perfectcv_traffic.analysis.sums import summed
from perfectcv_traffic.summary.tables import LARGEST_SUM


def health(frames: Frames) -> pd.DataFrame:
    """One row: what became of the lines, what was lost or left to chance, first and last request.

    The recorder says in a record how many before it were lost, and how many one stands for where it
    keeps a sample; that is read of the latest requests. What paths were excluded no log tells.
    """
    row = pd.DataFrame([asdict(frames.health)])
    for column in ("first_request", "last_request"):
        row[column] = utc(row[column])
    weights = frames.recent["weight"].fillna(1.0).clip(0, LARGEST_SUM)
    row.insert(3, "lost", summed(frames.recent["lost_before"].fillna(0)))
    row.insert(4, "kept_by_chance", int((weights != 1).sum()))
    row.insert(5, "stand_for", float(weights[weights != 1].sum()))
    return row


def gaps(health: pd.DataFrame) -> list[str]:
    """What the answers do not rest on, a sentence each; none if all was recorded and read."""
    row = health.iloc[0]
    sentences = {
        "rejected": f"{row['rejected']:,} log lines could not be read.",
        "damaged_logs": (
            f"{row['damaged_logs']}: damaged, or still being written, and read only up to there."
        ),
        "lost": f"Among the latest requests the recorder lost {row['lost']:,}.",
        "kept_by_chance": (
            f"Of the latest requests {row['kept_by_chance']:,} are a sample that stands for"
            f" {row['stand_for']:,.0f}. What is counted is what was recorded, and errors, slow"
            " requests and those with a null always are: their shares, and durations, are higher"
            " here than of all requests."
        ),
    }
    return [sentence for name, sentence in sentences.items() if pd.notna(row[name]) and row[name]]
