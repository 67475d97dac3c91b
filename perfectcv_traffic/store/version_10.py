"""The schema's step to version 10: logins are found by their time.

After a merge, or when an older log is stored later, the highest ids are not the latest.
"""

from __future__ import annotations

import sqlite3

from perfectcv_traffic.store.ddl import create_index


def migrate(db: sqlite3.Connection) -> None:
    """Add the index."""
    create_index(db, "uuid_logins", ("timestamp",))
