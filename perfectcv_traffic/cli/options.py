"""Options that several commands share, declared once: name, default, environment variable, help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from perfectcv_traffic.settings import Settings, table, variable

_SETTINGS = {setting.name: setting for setting in table()}


def option(*names: str, help: str, panel: str | None = None, **more: Any) -> Any:  # noqa: A002 - Typer's own word
    """A Typer option; its environment variable follows from its name: PERFECTCV_TRAFFIC_DB."""
    name = variable(names[0].partition("/")[0])
    return typer.Option(*names, help=help, envvar=name, rich_help_panel=panel, **more)


def _setting(name: str, **more: Any) -> Any:
    return option(f"--{name.replace('_', '-')}", help=_SETTINGS[name].meaning + ".", **more)


DEFAULTS = Settings()

Db = Annotated[Path, _setting("db", dir_okay=False)]
Log = Annotated[Path, _setting("log", dir_okay=False)]
Output = Annotated[
    Path, option("--output", "--out", help=_SETTINGS["output"].meaning + ".", file_okay=False)
]
Json = Annotated[bool, option("--json", help="Print JSON instead of tables.")]
App = Annotated[
    str | None, option("--app", help="Serve and test this application (module:attribute).")
]
