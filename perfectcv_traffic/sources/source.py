"""Where the traffic is that somebody asks for, and whom to tell how reading goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from perfectcv_traffic.sources.filters import Filters

if TYPE_CHECKING:
    from perfectcv_traffic.fold.run import Progress, Run

NO_FILTERS = Filters()


def _to_nobody(_message: str) -> None:
    pass


def _nowhere(_title: str, _total: int) -> AbstractContextManager[Progress]:
    return nullcontext(lambda _bytes: None)


@dataclass(frozen=True, slots=True)
class Source:
    """Where the traffic is: logs if any are named, else a database."""

    db: Path
    logs: Sequence[Path | str] = ()
    """Paths or URLs."""
    filters: Filters = NO_FILTERS
    jobs: int | None = None
    """Processes that fold logs; None for one on each core."""
    cluster: str | None = None
    """Scheduler of a Dask cluster that folds the logs."""
    run: Run | None = None
    """The fold of the logs if it has begun."""
    note: Callable[[str], None] = _to_nobody
    """Told what the answers cannot tell."""
    progress: Callable[[str, int], AbstractContextManager[Progress]] = _nowhere
    """Shows how many bytes of so many are read, while in its context."""
