"""The `/admin` endpoints over the store."""
