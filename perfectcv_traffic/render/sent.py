"""Traffic that `generate` sent as JSON, and as JSON lines in the shape of a probe run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec

from perfectcv_traffic import ranks
from perfectcv_traffic.generate.latency import PERMILLES, latencies
from perfectcv_traffic.generate.outcome import ScenarioTally, tally
from perfectcv_traffic.generate.run import Run
from perfectcv_traffic.render.probed import SCHEMA_VERSION, TOOL, version

Json = dict[str, Any]
_PERMILLES: Final = (750, *PERMILLES)
_NAMES: Final = (*(f"p{one / 10:g}" for one in _PERMILLES[:-1]), "max")


def as_json(run: Run, started_at: str) -> str:
    """One document: how it went, per scenario and per operation."""
    document = {**head(run, started_at), **summary(run)}
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def as_json_lines(run: Run, started_at: str) -> str:
    """One event a line: the start, every request, the summary."""
    events: list[Json] = [{"event": "start", **head(run, started_at)}]
    events += ({"event": "request", **msgspec.to_builtins(one)} for one in run.outcomes)
    events.append({"event": "summary", **summary(run)})
    return "".join(msgspec.json.encode(one).decode() + "\n" for one in events)


def head(run: Run, started_at: str) -> Json:
    """What was sent, when."""
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": TOOL, "version": version()},
        "run_id": run.run_id,
        "target": run.target,
        "seed": run.seed,
        "started_at": started_at,
        "model": run.model,
    }


def summary(run: Run) -> Json:
    """Counts and times. Response time counts from when a request was due, service time from when
    it was sent."""
    answered = [one for one in run.outcomes if one.status is not None]
    return {
        "sent": run.sent,
        "skipped": run.skipped,
        "surprises": len(run.surprises),
        "complete": run.is_complete,
        "seconds": round(run.seconds, 6),
        "sending_seconds": round(run.sending_seconds, 6),
        "rate": round(run.rate, 3),
        "client_cpu_seconds": round(run.cpu_seconds, 6),
        "trouble": run.trouble,
        "response_ms": times(one.response_seconds for one in answered),
        "service_ms": times(one.seconds for one in answered),
        "scenarios": [_scenario(one) for one in tally(run.outcomes)],
        "operations": [
            {"operation": one.operation, "scenario": one.scenario, "requests": one.requests}
            | {"mean_ms": round(one.mean, 3)}
            | {
                f"{name}_ms": round(ms, 3)
                for name, ms in zip(_NAMES[1:], one.quantiles, strict=True)
            }
            for one in latencies(run.outcomes)
        ],
    }


def times(seconds: Iterable[float]) -> Json:
    """Exact quantiles in milliseconds; empty if nothing was answered."""
    ordered = sorted(seconds)
    shares = zip(_NAMES, _PERMILLES, strict=True)
    return (
        {name: round(ranks.quantile(ordered, one) * 1000, 3) for name, one in shares}
        if ordered
        else {}
    )


def _scenario(one: ScenarioTally) -> Json:
    return {
        "scenario": one.scenario,
        "sent": one.sent,
        "as_expected": one.as_expected,
        "surprises": one.surprises,
        "by_status": {str(status): number for status, number in one.by_status.items()},
        "by_error": one.by_error,
    }


FORMATS: Final[Mapping[str, Callable[[Run, str], str]]] = {"json": as_json, "jsonl": as_json_lines}
