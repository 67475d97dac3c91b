"""The SQLite store: schema, ingest and queries."""
