"""Logs folded into one summary, the same by one process, by all cores or by a cluster."""
