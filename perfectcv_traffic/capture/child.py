"""Ending a child process that stops when its standard input does."""

from __future__ import annotations

import subprocess


def end(process: subprocess.Popen[bytes], *, patience: float) -> None:
    """Ask it to end by closing its input, then insist; `patience` is seconds before each step."""
    if process.stdin:
        process.stdin.close()
    for insist in (process.terminate, process.kill):
        try:
            process.wait(patience)
            break
        except subprocess.TimeoutExpired:
            insist()
    process.wait()
