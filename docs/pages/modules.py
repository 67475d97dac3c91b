"""The page of the modules: what each is for, in its own words."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from pages.markdown import page, table

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "perfectcv_traffic"

INTRODUCTION = """\
What each module says of itself. Folders stand in the order of their layers, from the ground up, and
within one each module needs only those above it to be loaded: they can be read from the top of this
page to its end."""


def modules() -> str:
    """Every module with its first sentence, folder by folder."""
    places = [PACKAGE / name for name in reversed(_layers())]
    alone = [place.with_suffix(".py") for place in places if not place.is_dir()]
    parts = ["## `perfectcv_traffic/`", _table(alone)]
    for folder in filter(Path.is_dir, places):
        parts += _folder(folder)
    return page("# Modules", INTRODUCTION, *parts)


def _layers() -> list[str]:
    """Names of the contract's layers, the top first."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    layers = next(one["layers"] for one in contracts["contracts"] if one["type"] == "layers")
    return [name.strip() for layer in layers for name in layer.split("|")]


def _folder(folder: Path) -> Iterator[str]:
    yield f"## `{folder.relative_to(ROOT).as_posix()}/`: {_sentence(folder / '__init__.py')}"
    found = [file for file in folder.glob("*.py") if file.stem != "__init__"]
    yield _table(sorted(found, key=lambda file: (_depth(file), file.stem)))
    for inner in sorted(folder.glob("*/__init__.py")):
        yield from _folder(inner.parent)


def _table(files: list[Path]) -> str:
    return table(("module", "what it is"), ((f"`{file.stem}`", _sentence(file)) for file in files))


def _sentence(file: Path) -> str:
    words = (ast.get_docstring(_tree(file)) or "").partition("\n\n")[0].replace("\n", " ")
    return words.partition(". ")[0].removesuffix(".")


@cache
def _depth(file: Path) -> int:
    """How many modules of its folder must be known before it, one upon the other."""
    return max((1 + _depth(other) for other in _imported(file)), default=0)


def _imported(file: Path) -> Iterator[Path]:
    """Modules of its folder that a module imports when it is loaded."""
    own = ".".join(file.parent.relative_to(ROOT).parts)
    for node in _tree(file).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [alias.name for alias in node.names] if node.module == own else []
            for name in names or [node.module.removeprefix(f"{own}.")]:
                other = file.with_name(f"{name}.py")
                if other.is_file() and node.module in (own, f"{own}.{name}"):
                    yield other


@cache
def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text("utf-8"))
