"""Log files read: bytes on disk become `TrafficLog` records or rejects."""
