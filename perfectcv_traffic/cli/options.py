"""Options that several commands share, declared once: name, default, environment variable, help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from perfectcv_traffic.settings import Settings, table, variable

_SETTINGS = {setting.name: setting for setting in table()}


def option(*names: str, help: str, panel: str | None = None, **more: Any) -> Any:  # noqa: A002 - Typer's own word
    """A Typer option; its environment variable follows from its name: PERFECTCV_TRAFFIC_DB.

    Help says so once, under the options, instead of at every one.
    """
    more = {"envvar": variable(names[0].partition("/")[0]), "show_envvar": False, **more}
    return typer.Option(*names, help=help, rich_help_panel=panel, **more)


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
App = Annotated[
    str | None, option("--app", help="Serve and test this application (module:attribute).")
]
