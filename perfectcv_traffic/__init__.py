"""Record, provoke, store and understand the HTTP traffic of a FastAPI service."""

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
    """Import a public name when it is asked for: most commands need none, and it takes 0.1 s."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
