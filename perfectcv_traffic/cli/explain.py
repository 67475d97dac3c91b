"""`perfectcv-traffic explain`: what a rule means, how it was seen, how to fix it in FastAPI."""

from __future__ import annotations

from typing import Annotated

import typer

from perfectcv_traffic.rules import RULES, Rule, rule

RuleId = Annotated[str | None, typer.Argument(help="A rule such as PT104; all when none is named.")]


def explain(rule_id: RuleId = None) -> None:
    """Tell what a rule means, how it is seen and how to fix it in FastAPI."""
    if rule_id is None:
        typer.echo("\n".join(f"{one.id}  {one.severity:<7}  {one.title}" for one in RULES))
    else:
        typer.echo(_explained(rule(rule_id)))


def _explained(one: Rule) -> str:
    fix = "\n".join(f"  {line}" for line in one.fix.splitlines())
    return (
        f"{one.id} ({one.severity}, class {one.letter}): {one.title}\n\n"
        f"Meaning\n  {one.meaning}\n\nHow it was seen\n  {one.seen}\n\nHow to fix it\n{fix}"
    )
