"""Record, provoke, store and understand the HTTP traffic of a FastAPI service."""

from perfectcv_traffic.capture.monitor import Monitor
from perfectcv_traffic.monitoring import setup_monitoring
from perfectcv_traffic.record import TrafficLog

__all__ = ["Monitor", "TrafficLog", "setup_monitoring"]
