"""The generated reference pages are current, and the changelog knows the version."""

import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_reference_pages_are_current() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "reference.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (done.returncode, done.stdout) == (0, "the reference is current\n")


def test_newest_changelog_heading_is_the_version() -> None:
    newest = re.search(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)

    assert newest is not None
    assert newest[1] == importlib.metadata.version("perfectcv-traffic")


def test_places_that_the_architecture_names_exist() -> None:
    page = (ROOT / "docs/architecture.md").read_text("utf-8")
    places = re.findall(r"`(perfectcv_traffic/[\w/]+\.py)`: `(\w+)`", page)
    files = re.findall(r"`((?:\w+/)+\w+\.py)`(?!:)", page)
    assert len(places) > 10
    for path, name in places:
        assert re.search(rf"^(?:class |def )?{name}\b", (ROOT / path).read_text("utf-8"), re.M)
    assert [file for file in files if not (ROOT / "perfectcv_traffic" / file).is_file()] == []


def test_every_module_is_as_short_as_contributors_are_told() -> None:
    modules = sorted((ROOT / "perfectcv_traffic").rglob("*.py"))
    lengths = {one: one.read_text("utf-8").count("\n") for one in modules}
    assert len(lengths) > 100
    assert {str(one): lines for one, lines in lengths.items() if lines >= 300} == {}
