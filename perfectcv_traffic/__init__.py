"""Record, provoke, store and understand the HTTP traffic of a FastAPI service."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from perfectcv_traffic.capture.monitor import Monitor
    from perfectcv_traffic.monitoring import setup_monitoring
    from perfectcv_traffic.record import TrafficLog

__all__ = ["Monitor", "TrafficLog", "setup_monitoring"]

_HOMES = {
    "Monitor": "perfectcv_traffic.capture.monitor",
    "TrafficLog": "perfectcv_traffic.record",
    "setup_monitoring": "perfectcv_traffic.monitoring",
}


def __getattr__(name: str) -> Any:
    """A public name from its module when it is first asked for.

    A command that only reads need not load the recorder, which takes as long as Typer.
    """
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
