"""`perfectcv-traffic report`: one HTML file of everything."""

from __future__ import annotations

from pathlib import Path

from perfectcv_traffic.cli import answers, showing
from perfectcv_traffic.cli.options import DEFAULTS, Db, Output


def report(db: Db = Path(DEFAULTS.db), output: Output = Path(DEFAULTS.output)) -> None:
    """Write report.html: findings, charts and tables in one file that opens anywhere."""
    showing.list_files([showing.write_report(answers.from_database(db), output)])
