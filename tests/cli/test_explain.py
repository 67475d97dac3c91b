"""Rules that recorded traffic is judged by are explained like those of `generate`."""

import subprocess
from collections.abc import Callable

import pytest

from perfectcv_traffic.analysis.traffic_rules import TRAFFIC_RULES

Program = Callable[..., subprocess.CompletedProcess[str]]


def test_every_rule_of_recorded_traffic_is_listed(program: Program) -> None:
    listed = [line.split()[0] for line in program("explain").stdout.splitlines()]

    assert {rule.id for rule in TRAFFIC_RULES} <= set(listed)
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize("rule", ["PT301", "pt304"])
def test_rule_of_recorded_traffic_is_explained(program: Program, rule: str) -> None:
    done = program("explain", rule)

    assert done.returncode == 0
    for part in (rule.upper(), "Meaning", "In recorded traffic when", "What to do"):
        assert part in done.stdout


def test_rule_of_both_says_what_either_makes_of_it(program: Program) -> None:
    told = program("explain", "PT201").stdout

    assert told.startswith("PT201 (error, class E)")
    assert "In recorded traffic (warning) when" in told
