"""The console for results: one whose reader may have enough."""

from __future__ import annotations

from rich.console import Console

from perfectcv_traffic.cli import output


class ResultConsole(Console):
    """rich ends the program with 1 when nobody reads on, which tells a script of findings."""

    def on_broken_pipe(self) -> None:
        """Say no more; the work goes on."""
        self.quiet = True
        output.let_go()
