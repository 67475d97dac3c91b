"""The console examples of a page: run as they stand, and their output written down."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

_BLOCK = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)
_PROMPT = "$ "
_SECONDS = 60


def blocks(page: str) -> Iterator[list[tuple[str, str]]]:
    """The commands of each console block, with the output that the page shows."""
    for block in _BLOCK.findall(page):
        yield _commands(block)


def _commands(block: str) -> list[tuple[str, str]]:
    parts = re.split(rf"^{re.escape(_PROMPT)}", block, flags=re.MULTILINE)[1:]
    return [(command, output) for command, _, output in (part.partition("\n") for part in parts)]


def run(setup: str, command: str, environment: Mapping[str, str]) -> str:
    """What a command prints in a shell that has run `setup`; raises if it fails."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"{setup}\n{command}"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=_SECONDS,
    )
    return done.stdout


def renew(page: Path, answer: Callable[[str], str]) -> None:
    """Write the output that each command has now into the page."""

    def renewed(block: re.Match[str]) -> str:
        return "".join(
            f"{_PROMPT}{command}\n{answer(command)}" for command, _ in _commands(block[0])
        )

    text = page.read_text("utf-8")
    page.write_text(_BLOCK.sub(renewed, text), "utf-8")
