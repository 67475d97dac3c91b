"""`perfectcv-traffic explain`: what a rule means, how it was seen, how to fix it in FastAPI."""

from __future__ import annotations

from typing import Annotated

import typer

from perfectcv_traffic.analysis.traffic_rules import TRAFFIC_RULES, TrafficRule, traffic_rule
from perfectcv_traffic.cli import output
from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.rules import RULES, Rule, rule

RuleId = Annotated[str | None, typer.Argument(help="A rule such as PT104; all when none is named.")]


def explain(rule_id: RuleId = None) -> None:
    """Tell what a rule means, how it is seen, how to fix it."""
    every = {one.id: one for one in (*TRAFFIC_RULES, *RULES)}
    if rule_id is None:
        ordered = (every[one] for one in sorted(every))
        output.write(f"{one.id}  {one.severity:<7}  {one.title}\n" for one in ordered)
        return
    if rule_id.upper() not in every:
        raise UsageError(f"unknown rule {rule_id!r}; the rules are: {', '.join(sorted(every))}")
    known, probed = traffic_rule(rule_id), rule_id.upper() in {one.id for one in RULES}
    text = _of_traffic(known) if known and not probed else _explained(rule(rule_id), known)
    output.write([f"{text}\n"])


def _explained(one: Rule, of_traffic: TrafficRule | None) -> str:
    seen = f"How it was seen by generate\n  {one.seen}\n\n"
    if of_traffic:
        seen += f"In recorded traffic ({of_traffic.severity}) when\n  {of_traffic.when}\n\n"
    return (
        f"{one.id} ({one.severity}, class {one.letter}): {one.title}\n\n"
        f"Meaning\n  {one.meaning}\n\n{seen}How to fix it\n{_indented(one.fix)}"
    )


def _of_traffic(one: TrafficRule) -> str:
    return (
        f"{one.id} ({one.severity}): {one.title}\n\nMeaning\n  {one.meaning}\n\n"
        f"In recorded traffic when\n  {one.when}\n\nWhat to do\n{_indented(one.fix)}"
    )


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
