"""Every analysis, once: what `analyze` computes, tables, charts and reports show."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pandas as pd

from perfectcv_traffic.analysis import (
    durations,
    endpoints,
    findings,
    health,
    nulls,
    scenarios,
    statuses,
    tokens,
    totals,
)
from perfectcv_traffic.analysis.frames import Frames


class Analysis(NamedTuple):
    """A question about the traffic and the function that answers it."""

    name: str
    title: str
    question: str
    compute: Callable[[Frames], pd.DataFrame]
    is_facts: bool = False
    """Always one row: shown as a list of facts."""


ANALYSES = (
    Analysis(
        "findings",
        "Findings",
        "What needs attention?",
        findings.findings,
    ),
    Analysis(
        "totals",
        "Totals",
        "How much traffic was there, and how did it end?",
        totals.totals,
        is_facts=True,
    ),
    Analysis(
        "status_distribution",
        "Status codes",
        "Which status codes were sent?",
        statuses.status_distribution,
    ),
    Analysis(
        "status_classes",
        "Status classes",
        "How many requests succeeded, and how many failed on which side?",
        statuses.status_classes,
    ),
    Analysis(
        "top_endpoints",
        "Top endpoints",
        "Which endpoints get most requests, and how do they fare?",
        endpoints.top_endpoints,
    ),
    Analysis(
        "durations",
        "Durations",
        "How long do answers take?",
        durations.durations,
        is_facts=True,
    ),
    Analysis(
        "duration_bands",
        "Duration bands",
        "How many answers are fast, and how many slow?",
        durations.duration_bands,
    ),
    Analysis(
        "duration_distribution",
        "Distribution of durations",
        "How are the durations spread?",
        durations.duration_distribution,
    ),
    Analysis(
        "endpoint_durations",
        "Durations by endpoint",
        "Where does the time go?",
        durations.endpoint_durations,
    ),
    Analysis(
        "token_presence",
        "Token presence",
        "Who calls with a token, and who without?",
        tokens.token_presence,
    ),
    Analysis(
        "token_validity",
        "Token validity",
        "Are the tokens that are sent any good?",
        tokens.token_validity,
    ),
    Analysis(
        "token_usage_by_hour",
        "Token use by hour",
        "When do calls with and without a token come?",
        tokens.token_usage_by_hour,
    ),
    Analysis(
        "status_by_token_presence",
        "Status by token presence",
        "What do calls with and without a token get?",
        tokens.status_by_token_presence,
    ),
    Analysis(
        "null_hot_spots",
        "Null hot spots",
        "Which fields are null, and which nulls break something?",
        nulls.null_hot_spots,
    ),
    Analysis(
        "scenarios",
        "Test scenarios",
        "How was generated traffic answered?",
        scenarios.scenarios,
    ),
    Analysis(
        "health",
        "Recorder health",
        "Was everything recorded and read?",
        health.health,
        is_facts=True,
    ),
)


def analyze(frames: Frames) -> dict[str, pd.DataFrame]:
    """The answer of every analysis by its name, each computed once."""
    return {analysis.name: analysis.compute(frames) for analysis in ANALYSES}
