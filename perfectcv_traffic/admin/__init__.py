"""The admin endpoints over the store, and their dashboard."""
