"""Every analysis, once: what `analyze` computes, tables, charts and reports show."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from perfectcv_traffic.analysis import (
    clients,
    comparison,
    coverage,
    durations,
    endpoints,
    expectations,
    findings,
    health,
    nulls,
    reconciliation,
    scenarios,
    single,
    statuses,
    timeline,
    tokens,
    totals,
)
from perfectcv_traffic.analysis.analysis import Analysis
from perfectcv_traffic.analysis.frames import Frames
from perfectcv_traffic.analysis.rows import BUSIEST, MOST_URLS

ALL_RUNS = "of all runs, whatever was chosen"
NO_RUN = "no run of `generate`: the database that it wrote to knows its runs, no log does"

ANALYSES = (
    Analysis("findings", "Findings", "What needs attention?", findings.findings),
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
        "traffic_over_time",
        "Traffic over time",
        "When do requests come, and when do they fail?",
        timeline.traffic_over_time,
        is_hourly=True,
    ),
    Analysis(
        "top_endpoints",
        "Top endpoints",
        "Which endpoints get most requests, and how do they fare?",
        endpoints.top_endpoints,
        most=endpoints.TOP,
    ),
    Analysis(
        "top_by_error_rate",
        "Endpoints by error rate",
        "Which endpoints fail most often?",
        endpoints.top_by_error_rate,
        most=endpoints.TOP,
    ),
    Analysis(
        "unmatched_paths",
        "Unmatched paths",
        "What is requested that no route is known for?",
        coverage.unmatched_paths,
        most=coverage.TOP,
    ),
    Analysis(
        "uncalled_routes",
        "Routes and the OpenAPI document",
        "Which documented routes were never called, which called ones are not documented?",
        coverage.uncalled_routes,
        nothing="no OpenAPI document was given (--openapi), or nothing differs from it",
    ),
    Analysis(
        "url_accesses",
        "Paths",
        "Which paths are requested most?",
        single.url_accesses,
        most=MOST_URLS,
    ),
    Analysis(
        "durations", "Durations", "How long do answers take?", durations.durations, is_facts=True
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
        "top_by_total_time",
        "Endpoints by total time",
        "On which endpoints is most time spent?",
        endpoints.top_by_total_time,
        most=endpoints.TOP,
    ),
    Analysis(
        "top_by_p95",
        "Endpoints by p95",
        "Whose slow answers are slowest?",
        endpoints.top_by_p95,
        most=endpoints.TOP,
    ),
    Analysis(
        "latency_over_time",
        "Latency over time",
        "When are answers slow?",
        timeline.latency_over_time,
        is_hourly=True,
    ),
    Analysis(
        "comparison",
        "Now and before",
        "What changed against the earlier traffic?",
        comparison.comparison,
        nothing="no earlier traffic was given to compare with (--compare)",
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
        "token_reasons",
        "Invalid tokens",
        "Why are tokens invalid, among the latest requests?",
        tokens.token_reasons,
        is_recent=True,
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
    Analysis("clients", "Clients", "Who calls most?", clients.clients, most=clients.TOP),
    Analysis(
        "client_hours",
        "Hours of clients",
        "How do the busiest clients call, hour by hour?",
        clients.client_hours,
        is_hourly=True,
        most=BUSIEST,
    ),
    Analysis(
        "user_agents",
        "User agents",
        "Which programs call, among the latest requests?",
        clients.user_agents,
        is_recent=True,
        most=clients.TOP,
    ),
    Analysis(
        "rate_limit_pressure",
        "Rate-limit pressure",
        "Who would be limited under 100 requests a minute, among the latest requests?",
        clients.rate_limit_pressure,
        is_recent=True,
        most=clients.TOP,
    ),
    Analysis(
        "uuid_logins",
        "Logins by UUID",
        "Who logged in by UUID, among the latest requests?",
        single.uuid_logins,
        is_recent=True,
        most=single.TOP,
    ),
    Analysis(
        "null_hot_spots",
        "Null hot spots",
        "Which fields are null, and which nulls break something?",
        nulls.null_hot_spots,
    ),
    Analysis(
        "slowest_requests",
        "Slowest requests",
        "Which single requests took longest, among the latest ones?",
        single.slowest_requests,
        is_recent=True,
        most=single.TOP,
    ),
    Analysis(
        "failing_requests",
        "Failing requests, 5xx",
        "Which requests failed 5xx last, and why?",
        single.failing_requests,
        is_recent=True,
        most=single.TOP,
    ),
    Analysis(
        "scenarios", "Test scenarios", "How was generated traffic answered?", scenarios.scenarios
    ),
    Analysis(
        "expectations",
        "Expected and observed",
        "Was generated traffic answered as expected, and recorded?",
        expectations.expectations,
        nothing=NO_RUN,
        unchosen=ALL_RUNS,
    ),
    Analysis(
        "reconciliation",
        "Sent and recorded",
        "Did the recorder see all that `generate` sent, and nothing else under its name?",
        reconciliation.reconciliation,
        nothing=NO_RUN,
        unchosen=ALL_RUNS,
    ),
    Analysis(
        "health",
        "Recorder health",
        "Was everything recorded and read?",
        health.health,
        is_facts=True,
        unchosen="lines are those of all logs, whatever was chosen",
    ),
)


def is_hourly(names: Collection[str] | None) -> bool:
    """Whether any of the named analyses, by default all, rests on the cells by the hour."""
    return any(one.is_hourly for one in _named(names))


def analyze(frames: Frames, names: Collection[str] | None = None) -> dict[str, pd.DataFrame]:
    """The answers of the named analyses, by default all, each computed once."""
    return {analysis.name: analysis.compute(frames) for analysis in _named(names)}


def _named(names: Collection[str] | None) -> list[Analysis]:
    return [one for one in ANALYSES if names is None or one.name in names]
