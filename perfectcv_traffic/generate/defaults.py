"""How a run goes unless it is told: apart from `options`, so that `--help` loads nothing else."""

from __future__ import annotations

from typing import Final

REQUESTS: Final = 200
DELAY: Final = 0.0
CONCURRENCY: Final = 4
MAX_CONCURRENCY: Final = 1000
SEED: Final = 0
TIMEOUT: Final = 10.0
