"""What the guides tell people to type works: their marked blocks are run as they stand.

A fence `sh run` is run, `NAME.EXT` after the language writes a file, `diff patch` is applied to a
copy of the package, and `text output` after a run must be what that run printed last.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
FENCE = re.compile(r"^```(\S+) (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHELL = "bash"
TIMEOUT = 300


class Block(NamedTuple):
    """A marked fence: its language, its mark and its text."""

    language: str
    mark: str
    text: str


def blocks(page: Path) -> list[Block]:
    """The marked fences of a page, in their order."""
    return [Block(*found) for found in FENCE.findall(page.read_text("utf-8"))]


PAGES = [
    page
    for page in (ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")))
    if blocks(page)
]

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(
        sys.platform == "win32", reason="the guides' commands are for a POSIX shell"
    ),
    pytest.mark.skipif(
        not os.environ.get("CI") and not all(map(shutil.which, (SHELL, "curl", "git"))),
        reason="the guides' commands need bash, curl and git",
    ),
]


def free_port() -> int:
    """A port of loopback that nobody has now: 8000 may be taken on a developer's machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def script(page: Path, directory: Path) -> tuple[str, dict[str, str]]:
    """All commands of a page in one shell session, and what must be printed by which run."""
    lines, wanted, runs = ["set -euo pipefail"], {}, 0
    for block in blocks(page):
        if block.mark == "run":
            runs += 1
            lines.append(f"{{\n{block.text}}} > {runs}.printed")
        elif block.mark == "output":
            wanted[f"{runs}.printed"] = block.text
        elif block.mark == "patch":
            patch = directory / f"{len(lines)}.patch"
            patch.write_text(block.text, "utf-8")
            lines.append(f"git apply --verbose {patch.name}")
        else:
            (directory / block.mark).write_text(block.text, "utf-8")
    return "\n".join(lines).replace("8000", str(free_port())), wanted


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_of_a_guide_work_as_they_stand(page: Path, tmp_path: Path) -> None:
    if page.name == "CONTRIBUTING.md":
        shutil.copytree(ROOT / "perfectcv_traffic", tmp_path / "perfectcv_traffic")
    commands, wanted = script(page, tmp_path)
    clean = {key: value for key, value in os.environ.items() if "PERFECTCV" not in key}
    done = subprocess.run(
        [SHELL, "-c", commands],
        cwd=tmp_path,
        env={**clean, "PATH": f"{Path(sys.executable).parent}:{clean['PATH']}", "PYTHONPATH": "."},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=TIMEOUT,
    )
    assert done.returncode == 0, done.stderr
    for name, text in wanted.items():
        assert (tmp_path / name).read_text("utf-8").endswith(text)


def test_every_link_of_the_pages_leads_somewhere() -> None:
    pages = [*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md"), ROOT / "benchmarks/README.md"]
    broken = [
        f"{page.relative_to(ROOT)}: {link}"
        for page in pages
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
        if not (page.parent / link).exists()
    ]
    assert broken == []
