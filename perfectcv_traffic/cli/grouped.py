"""Help with the options of a command in groups, each under its own heading."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand

from perfectcv_traffic.cli.options import other_variables
from perfectcv_traffic.settings import variable

OTHERS = "Options"
ENVIRONMENT = (
    "Each option is read from the environment too, lists separated by blanks:"
    f" --some-option from {variable('--some-option')}."
)


class GroupedCommand(TyperCommand):
    """A command whose options are listed by the panel they were declared with."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments, then each group of options in the order of its first one."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            row = parameter.get_help_record(ctx)
            if row is not None:
                is_argument = parameter.param_type_name == "argument"
                own = getattr(parameter, "rich_help_panel", None) or OTHERS
                groups.setdefault("Arguments" if is_argument else own, []).append(row)
        for title, rows in groups.items():
            with formatter.section(title):
                formatter.write_dl(rows)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Say once that options can be set from outside: which variable follows from the name."""
        super().format_epilog(ctx, formatter)
        formatter.write_paragraph()
        formatter.write_text(ENVIRONMENT)
        for name, own in other_variables(self.get_params(ctx)):
            formatter.write_text(f"{name}: {own or 'from the command line only'}")
