"""A chunk of a log on its last step: everything its transaction inserts is there."""

from __future__ import annotations

from typing import NamedTuple

from perfectcv_traffic.log.reader import Chunk
from perfectcv_traffic.store.prepare import Prepared


class Ready(NamedTuple):
    """What `commit.Commit` takes."""

    chunk: Chunk
    prepared: Prepared
    ends: bool = True
    """Whether its transaction ends with it."""
