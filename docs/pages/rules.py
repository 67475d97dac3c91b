"""The page of the rules."""

from __future__ import annotations

from collections.abc import Iterator

from pages.markdown import page

from perfectcv_traffic.analysis.traffic_rules import TRAFFIC_RULES, TrafficRule
from perfectcv_traffic.rules import RULES, Rule

INTRODUCTION = """\
What is wrong with an API is said by rules with stable names. Rules PT1xx are about authentication,
PT2xx about null, PT3xx about traffic over time. `generate` proves the first two with requests of
its own; recorded traffic shows how often something happens, so that severities may differ.
`perfectcv-traffic explain PT101` prints what stands here."""


def rules() -> str:
    """Every rule of `generate` and of recorded traffic: meaning, how it is seen, what to do."""
    probed, recorded = {one.id: one for one in RULES}, {one.id: one for one in TRAFFIC_RULES}
    ids = sorted({*probed, *recorded})
    parts = (part for one in ids for part in _rule(probed.get(one), recorded.get(one)))
    return page("# Rules", INTRODUCTION, *parts)


def _rule(probed: Rule | None, recorded: TrafficRule | None) -> Iterator[str]:
    one = probed or recorded
    assert one is not None
    yield f"## {one.id}: {one.title}"
    yield one.meaning
    if probed:
        yield f"**By `generate`** ({probed.severity}): {probed.seen}"
    if recorded:
        yield f"**In recorded traffic** ({recorded.severity}): when {recorded.when}."
    yield f"**What to do:**\n\n```text\n{one.fix}\n```"
