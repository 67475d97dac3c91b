"""Options that several commands share, declared once: name, default, environment variable, help."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from perfectcv_traffic.settings import Settings, table, variable

_SETTINGS = {setting.name: setting for setting in table()}


def option(
    *names: str,
    help: str,  # noqa: A002 - Typer's own word
    of: str = "",
    panel: str | None = None,
    **more: Any,
) -> Any:
    """A Typer option; its environment variable follows from its name: PERFECTCV_TRAFFIC_DB.

    One that means something else in another command is an option `of` its command, which is part
    of the variable: PERFECTCV_TRAFFIC_CHECK_FORMAT. Help tells the rule once, and its exceptions.
    """
    own = variable(f"{of}-{names[0].removeprefix('--')}" if of else names[0])
    more = {"envvar": own, **more}
    return typer.Option(*names, help=help, rich_help_panel=panel, show_envvar=False, **more)


def typed_option(*names: str, **more: Any) -> Any:
    """An option without an environment variable: what it lets happen cannot be taken back.

    A variable that was set for another day or another target must not do that.
    """
    return option(*names, envvar=None, **more)


def other_variables(parameters: Iterable[Any]) -> list[tuple[str, str | None]]:
    """The options of a command that have another variable than their name says, or none."""
    options = [one for one in parameters if one.opts[0].startswith("--") and one.name != "help"]
    return [(one.opts[0], one.envvar) for one in options if one.envvar != variable(one.opts[0])]


def _meaning(name: str) -> str:
    meaning = _SETTINGS[name].meaning
    return f"{meaning[0].upper()}{meaning[1:]}."


def _setting(name: str, **more: Any) -> Any:
    return option(f"--{name.replace('_', '-')}", help=_meaning(name), **more)


DEFAULTS = Settings()

Db = Annotated[Path, _setting("db", dir_okay=False)]
Log = Annotated[Path, _setting("log", dir_okay=False)]
Output = Annotated[Path, option("--output", "--out", help=_meaning("output"), file_okay=False)]
Json = Annotated[bool, option("--json", help="Print JSON instead of tables.")]
App = Annotated[str | None, option("--app", help="Application to serve (module:attribute).")]
DocumentHosts = Annotated[
    list[str] | None,
    typed_option("--allow-host", help="A host beyond this machine that --openapi may name."),
]
Port = Annotated[
    int,
    option("--port", help="Port of 127.0.0.1 to serve on; 0 takes a free one.", min=0, max=65_535),
]
