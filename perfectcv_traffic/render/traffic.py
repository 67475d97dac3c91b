"""What `generate` sent and what came back, per scenario, as a terminal table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from perfectcv_traffic.generate.latency import PERMILLES, Latency, latencies
from perfectcv_traffic.generate.outcome import ScenarioTally, tally
from perfectcv_traffic.generate.run import Run
from perfectcv_traffic.render.columns import count
from perfectcv_traffic.render.text import visible, width

LATENCY_HEADINGS = ("  Operation, scenario", "Sent", "Mean", "p50", "p90", "p95", "p99", "Max")
P95 = PERMILLES.index(950)
SCENARIO_WIDTH = len(LATENCY_HEADINGS[0]) + 1
FIGURE_WIDTH = 7
HEADINGS = ("Scenario", "Sent", "As expected", "Surprises", "Answers: status × requests")


def scenario_table(run: Run) -> Group:
    """Requests per scenario: how many came back as expected, and with which status."""
    grid = Table(box=box.SIMPLE_HEAD, header_style="dim", padding=(0, 0, 0, 2), pad_edge=False)
    for position, heading in enumerate(HEADINGS):
        grid.add_column(heading, justify="right" if 1 <= position <= 3 else "left")  # noqa: PLR2004
    for one in tally(run.outcomes):
        grid.add_row(*_cells(one))
    left_out = sum(one.scenario is None for one in run.left_out)
    notes = [Text(f"  {left_out} operations left out", style="dim")] if left_out else []
    return Group(
        Text("Test traffic", style="bold"), grid, Text(_pace(run), style="dim"), *notes, Text()
    )


def latency_table(run: Run) -> Group:
    """Response times per operation and scenario, the slowest first. An operation has a line of
    its own: beside its figures a path would not fit into 80 columns."""
    by_operation: dict[str, list[Latency]] = {}
    for one in sorted(latencies(run.outcomes), key=lambda one: -one.quantiles[P95]):
        by_operation.setdefault(one.operation, []).append(one)
    parts: list[Text | Table] = [Text("Response times, ms", style="bold"), _figures([])]
    for operation, found in by_operation.items():
        parts += [Text(f"  {visible(operation)}", overflow="fold"), _figures(found)]
    return Group(*parts, Text())


def _figures(found: list[Latency]) -> Table:
    """A row for each scenario, or the headings."""
    grid = Table.grid(padding=(0, 0, 0, 1), pad_edge=True)
    grid.add_column(width=SCENARIO_WIDTH)
    for _ in LATENCY_HEADINGS[1:]:
        grid.add_column(width=FIGURE_WIDTH, justify="right")
    if not found:
        grid.add_row(*LATENCY_HEADINGS, style="dim")
    for one in found:
        times = (f"{value:,.1f}" for value in (one.mean, *one.quantiles))
        grid.add_row(f"    {one.scenario}", count(one.requests), *times)
    return grid


def _pace(run: Run) -> str:
    skipped = f", {count(run.skipped)} due requests skipped" if run.skipped else ""
    sent = f"  {count(run.sent)} requests in {run.seconds:.1f} s, {run.rate:,.1f} a second{skipped}"
    return f"{sent} ({run.model})" + (f"; {run.trouble}" if run.trouble else "")


def _cells(one: ScenarioTally) -> tuple[RenderableType, ...]:
    surprises = Text(count(one.surprises), style="bold red" if one.surprises else "")
    answers = [f"{status} × {count(times)}" for status, times in one.by_status.items()]
    answers += [f"{visible(error)} × {count(times)}" for error, times in one.by_error.items()]
    return (
        Text(one.scenario),
        Text(count(one.sent)),
        Text(count(one.as_expected)),
        surprises,
        _Items(answers),
    )


@dataclass(frozen=True, slots=True)
class _Items:
    """A list with commas, in which no item is broken that fits a line."""

    items: Sequence[str]

    def __rich_measure__(self, _: Console, options: ConsoleOptions) -> Measurement:
        widths = [width(one) + 1 for one in self.items] or [0]
        most = sum(widths) + len(widths)
        return Measurement(max(widths), most).with_maximum(options.max_width)

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> RenderResult:
        lines = [""]
        for item in self.items:
            longer = f"{lines[-1]}, {item}" if lines[-1] else item
            if lines[-1] and width(longer) + 1 > options.max_width:
                lines[-1] += ","
                lines.append(item)
            else:
                lines[-1] = longer
        yield Text("\n".join(lines))
