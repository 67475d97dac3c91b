"""Thresholds for CI and cron: limits on the answers of analyses, and whether they hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

import pandas as pd

from perfectcv_traffic.analysis.findings import place

Results = Mapping[str, pd.DataFrame]

NEEDED = ("totals", "durations", "findings")
"""Analyses that the thresholds are judged by."""
AUTHENTICATION = "PT1"
"""How the ids of rules about authentication begin."""
NAMED_PLACES = 3
"""Findings that a verdict names; the answers have them all."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What must hold; None is not asked."""

    min_requests: int = 1
    """A check of nothing proves nothing."""
    max_error_rate: Decimal | None = None
    max_p95_ms: float | None = None
    max_null_rate: Decimal | None = None
    no_auth_findings: bool = False
    no_findings: bool = False


class Verdict(NamedTuple):
    """Whether one rule holds, and what it rests on."""

    rule: str
    holds: bool
    observed: str
    expected: str


def judge(results: Results, thresholds: Thresholds) -> list[Verdict]:
    """A verdict for each threshold that is asked, whatever the others say."""
    return [verdict for rule in _RULES for verdict in rule(results, thresholds)]


def _enough(results: Results, thresholds: Thresholds) -> Iterator[Verdict]:
    requests = _requests(results)
    least = thresholds.min_requests
    yield Verdict(
        "min-requests", requests >= least, f"{requests:,} requests", f"at least {least:,}"
    )


def _errors(results: Results, thresholds: Thresholds) -> Iterator[Verdict]:
    """Requests that the server failed: 5xx."""
    if thresholds.max_error_rate is None:
        return
    failed = int(results["totals"]["status_5xx"].iloc[0])
    yield _rate("max-error-rate", results, failed, "failed 5xx", thresholds.max_error_rate)


def _nulls(results: Results, thresholds: Thresholds) -> Iterator[Verdict]:
    if thresholds.max_null_rate is None:
        return
    nulls = int(results["totals"]["requests_with_null_params"].iloc[0])
    yield _rate("max-rate-of-null", results, nulls, "carried a null", thresholds.max_null_rate)


def _rate(rule: str, results: Results, part: int, what: str, most: Decimal) -> Verdict:
    requests = _requests(results)
    # Compared exactly, and without a division: the rate of nothing is no number.
    holds = part <= most * requests
    rate = f" ({part / requests:.2%})" if requests else ""
    return Verdict(
        rule,
        holds,
        f"{part:,} of {requests:,} requests {what}{rate}",
        f"at most {float(most * 100):.4g}%",
    )


def _latency(results: Results, thresholds: Thresholds) -> Iterator[Verdict]:
    most = thresholds.max_p95_ms
    if most is None:
        return
    row = results["durations"].iloc[0]
    if row["timed"] == 0:
        yield Verdict(
            "max-p95", holds=False, observed="no request was timed", expected=f"at most {most:g} ms"
        )
        return
    observed = f"p95 {row['p95_ms']:.3f} ms of {int(row['timed']):,} timed requests"
    yield Verdict("max-p95", bool(row["p95_ms"] <= most), observed, f"at most {most:g} ms")


def _authentication(results: Results, thresholds: Thresholds) -> Iterator[Verdict]:
    if not thresholds.no_auth_findings:
        return
    rule, expected = "no-auth-findings", "no answer without a valid token"
    requests = _requests(results)
    if requests and requests == int(results["totals"]["token_not_recorded"].iloc[0]):
        observed = f"{requests:,} requests of which no log says whether they had a token"
        yield Verdict(rule, holds=False, observed=observed, expected=expected)
        return
    found = results["findings"]
    verdict = _none(rule, found[found["rule"].str.startswith(AUTHENTICATION)], expected)
    among = f", of {protected(results):,} requests to endpoints that declare authentication"
    yield verdict._replace(observed=verdict.observed + among) if verdict.holds else verdict


def protected(results: Results) -> int:
    """Requests to endpoints that declare authentication; 0 too where no log tells."""
    return int(results["totals"]["protected"].fillna(0).iloc[0])


def _anything(results: Results, thresholds: Thresholds) -> Iterator[Verdict]:
    if thresholds.no_findings:
        yield _none("no-findings", results["findings"], "no finding")


def _none(rule: str, found: pd.DataFrame, expected: str) -> Verdict:
    named = [
        f"{one['rule']} {place(one['method'], one['path'], one['pointer'])}{_ids(one['evidence'])}"
        for one in found.head(NAMED_PLACES).to_dict("records")
    ]
    more = [f"{len(found) - len(named):,} more"] if len(found) > len(named) else []
    places = "; ".join([*named, *more])
    number = f"{len(found):,} finding{'' if len(found) == 1 else 's'}"
    observed = number + (f": {places}" if places else "")
    return Verdict(rule, found.empty, observed, expected)


def _ids(evidence: str) -> str:
    return f" (request {evidence.partition(' ')[0]})" if evidence else ""


def _requests(results: Results) -> int:
    return int(results["totals"]["requests"].iloc[0])


_RULES: tuple[Callable[[Results, Thresholds], Iterator[Verdict]], ...] = (
    _enough,
    _errors,
    _latency,
    _nulls,
    _authentication,
    _anything,
)
