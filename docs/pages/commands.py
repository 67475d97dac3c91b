"""The page of the commands."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from pages.markdown import page, table
from typer.main import get_group

from perfectcv_traffic.cli.app import COMMANDS, program
from perfectcv_traffic.cli.options import other_variables

INTRODUCTION = """\
`perfectcv-traffic COMMAND --help` says the same. Each option is read from the environment too:
`--some-option` from `PERFECTCV_TRAFFIC_SOME_OPTION`, lists separated by blanks. An option that
means something else in another command has the command in its variable, and one that chooses what
is deleted has none: both are named under the command.
How a command ends: [exit codes](exit-codes.md)."""


def commands() -> str:
    """The commands, their arguments and options, as Typer knows them."""
    found = get_group(program()).commands
    parts = (part for name in COMMANDS for part in _command(name, found[name]))
    return page("# Commands", INTRODUCTION, *parts)


def _command(name: str, command: Any) -> Iterator[str]:
    yield f"## `{name}`"
    yield inspect.cleandoc(command.help)
    rows = [_parameter(one) for one in command.params if "--help" not in one.opts]
    yield table(("argument or option", "meaning", "default"), rows)
    own = [
        f"`{option}` from {f'`{name}`' if name else 'the command line only'}"
        for option, name in other_variables(command.params)
    ]
    if own:
        yield f"Other than their names say: {', '.join(own)}."


def _parameter(one: Any) -> tuple[str, str, str]:
    """Not as Typer's help writes it, which changes with its version."""
    is_option = one.opts[0].startswith("-")
    names = [*one.opts, *one.secondary_opts] if is_option else [one.name.upper()]
    shown = one.show_default if isinstance(one.show_default, str) else one.default
    return (
        ", ".join(f"`{name}`" for name in names),
        one.help or "",
        f"`{shown}`" if one.show_default and shown is not None and shown is not False else "",
    )
