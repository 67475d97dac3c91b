"""Summaries merged while hours and roll-ups give groups up: still what one fold of all logs has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perfectcv_traffic.errors import StorageError
from perfectcv_traffic.record import NullDetail
from perfectcv_traffic.store.forget import forget
from perfectcv_traffic.store.ingest import Options, ingest
from perfectcv_traffic.store.merge import merge
from perfectcv_traffic.store.merge_base import Merged
from perfectcv_traffic.summary import hourly, overview
from perfectcv_traffic.summary.hourly import Limit
from perfectcv_traffic.summary.overview import ENDPOINTS, NULL_FIELDS
from perfectcv_traffic.summary.tables import NULLS, REQUESTS

Query = Callable[..., list[tuple[Any, ...]]]
Line = Callable[..., bytes]
Contents = dict[str, list[tuple[Any, ...]]]
Summary = Callable[[Path], Contents]
Folded = Callable[[Sequence[Path]], Contents]
IsWhole = Callable[[Path], bool]

PATHS = sorted((f"/{a}-x" for a in "abcdefghijkl"), key=lambda path: overview.rank(1, path))
"""What a scanner asks for, that first which is given up last."""

FEW = settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(params=[2, 5000], ids=["few over all time", "many over all time"], autouse=True)
def limits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hours that keep hardly anything, and roll-ups that keep as little or everything."""
    few = {REQUESTS.name: Limit(ENDPOINTS, (2, 2)), NULLS.name: Limit(NULL_FIELDS, (2, 1))}
    monkeypatch.setattr(hourly, "LIMITS", few)
    monkeypatch.setattr(overview, "MAX_GROUPS", request.param)


class Host:
    """A log and its database, of which copies are taken as it grows."""

    def __init__(self, folder: Path, name: str, line: Line, *, summary_only: bool = True) -> None:
        self.log, self.db = folder / f"{name}.log", folder / f"{name}.db"
        self.copies: list[Path] = []
        self._line, self._name, self._options = line, name, Options(summary_only=summary_only)
        self._count = 0

    def grow(self, asked: Sequence[int]) -> Path:
        """Ask for paths, by their place in `PATHS`; returns a copy of the database after that."""
        with self.log.open("ab") as file:
            file.writelines(map(self._asked, asked))
        ingest([self.log], self.db, options=self._options)
        self.copies.append(self.db.with_name(f"{self._name}-{len(self.copies)}.copy"))
        self.copies[-1].write_bytes(self.db.read_bytes())  # nobody has it open
        return self.copies[-1]

    def _asked(self, number: int) -> bytes:
        self._count += 1
        path = PATHS[number % len(PATHS)]
        null = NullDetail(field_name=path, field_path=path, location="query", kind="empty")
        return self._line(
            self._count,
            event_id=f"{self._name.encode().hex():0>16}{self._count:08x}",
            path=path,
            route="/known" if number % 5 == 0 else None,
            timestamp=f"2026-11-21T{5 + number % 2:02}:00:00.{self._count:06}Z",
            status_code=200 if number % 3 == 0 else 404,
            response_time_ms=self._count + number / 4,
            null_params_count=1,
            null_params_details=[null],
        )


def test_group_that_was_merged_and_then_given_up_is_other(
    tmp_path: Path,
    query: Query,
    line: Line,
    summary: Summary,
    folded: Folded,
) -> None:
    host, merged = Host(tmp_path, "a", line), tmp_path / "merged.db"
    last = len(PATHS) - 1
    older = host.grow([last, last])
    assert merge(merged, older) == Merged(2, 0)
    assert merge(merged, host.grow([1, 7, last, 1, 11])) == Merged(5, 2)
    routes = "SELECT route FROM summary_requests WHERE route_known = 0"
    assert (PATHS[last],) not in query(routes, database=merged)
    assert summary(merged) == folded([host.log])
    assert merge(merged, older) == Merged(0, 2)
    assert summary(merged) == folded([host.log])


@pytest.mark.parametrize(("here", "there"), [([1], [7]), ([1, 1], [7]), ([1], [7, 7])])
@pytest.mark.parametrize("before", [[], [1, 7, 11, 2]])
def test_copy_that_went_on_elsewhere_with_other_paths_is_not_merged(
    tmp_path: Path,
    line: Line,
    before: list[int],
    here: list[int],
    there: list[int],
    summary: Summary,
) -> None:
    host, merged = Host(tmp_path, "a", line), tmp_path / "merged.db"
    copy = Host(tmp_path, "b", line)
    copy.db.write_bytes(host.grow(before).read_bytes())
    merge(merged, host.grow(here))
    taken = summary(merged)
    with pytest.raises(StorageError, match="does not continue"):
        merge(merged, copy.grow(there))
    assert summary(merged) == taken


def test_client_that_a_host_forgot_counts_from_nothing_when_it_is_back(
    tmp_path: Path,
    query: Query,
    line: Line,
    summary: Summary,
    folded: Folded,
) -> None:
    host, merged = Host(tmp_path, "a", line), tmp_path / "merged.db"
    merge(merged, host.grow([1] * 5))
    forget(host.db, ["10.0.0.3"])
    merge(merged, host.grow([1] * 2))
    assert (
        query(
            "SELECT * FROM merged_summary_clients WHERE client_identifier = '10.0.0.3'",
            database=merged,
        )
        == []
    )
    merge(merged, host.grow([1] * 2))
    assert summary(merged) == folded([host.log])


Growths = list[tuple[int, list[int]]]
"""Which host asks for which paths, one after another."""

growths = st.lists(
    st.tuples(st.integers(0, 2), st.lists(st.integers(0, 59), min_size=1, max_size=8)),
    min_size=1,
    max_size=6,
)


@FEW
@given(data=st.data(), steps=growths)
def test_states_of_hosts_merged_in_any_order_equal_a_fold_of_all_logs(
    tmp_path_factory: pytest.TempPathFactory,
    line: Line,
    data: st.DataObject,
    steps: Growths,
    summary: Summary,
    folded: Folded,
    is_whole: IsWhole,
) -> None:
    folder = tmp_path_factory.mktemp("hosts")
    first_has_rows = data.draw(st.booleans())
    names = {number for number, _ in steps}
    hosts = {
        n: Host(folder, "abc"[n], line, summary_only=bool(n) or not first_has_rows) for n in names
    }
    for number, asked in steps:
        hosts[number].grow(asked)
    copies = [copy for host in hosts.values() for copy in host.copies]
    merged = folder / "merged.db"
    for copy in data.draw(st.lists(st.sampled_from(copies), max_size=6)):
        merge(merged, copy)
    for host in data.draw(st.permutations([*hosts.values()])):
        merge(merged, host.db)
    assert summary(merged) == folded([host.log for host in hosts.values()])
    for copy in copies:
        merge(merged, copy)
    assert summary(merged) == folded([host.log for host in hosts.values()])
    assert is_whole(merged)


@FEW
@given(data=st.data(), steps=growths)
def test_states_of_centres_are_merged_like_those_of_hosts(
    tmp_path_factory: pytest.TempPathFactory,
    line: Line,
    data: st.DataObject,
    steps: Growths,
    summary: Summary,
    folded: Folded,
    is_whole: IsWhole,
) -> None:
    folder = tmp_path_factory.mktemp("centres")
    region, world = folder / "region.db", folder / "world.db"
    hosts = {n: Host(folder, "abc"[n], line) for n, _ in steps}
    copies: list[Path] = []
    for number, asked in steps:
        state = hosts[number].grow(asked)
        merge(region if number else world, state)
        if number:
            copies.append(folder / f"region-{len(copies)}.copy")
            copies[-1].write_bytes(region.read_bytes())
    for copy in data.draw(st.permutations(copies)):
        merge(world, copy)
    assert summary(world) == folded([host.log for host in hosts.values()])
    assert is_whole(world)


@FEW
@given(steps=growths, data=st.data())
def test_databases_with_rows_merged_as_they_grow_equal_a_fold_of_all_logs(
    tmp_path_factory: pytest.TempPathFactory,
    line: Line,
    data: st.DataObject,
    steps: Growths,
    summary: Summary,
    folded: Folded,
    is_whole: IsWhole,
) -> None:
    folder = tmp_path_factory.mktemp("rows")
    merged = folder / "merged.db"
    hosts = {n: Host(folder, "abc"[n], line, summary_only=False) for n, _ in steps}
    for number, asked in steps:
        hosts[number].grow(asked)
        if data.draw(st.booleans()):
            merge(merged, hosts[number].db)
    for host in data.draw(st.permutations([*hosts.values()])):
        merge(merged, host.db)
    assert summary(merged) == folded([host.log for host in hosts.values()])
    assert is_whole(merged)
