"""Databases that keep a summary and no rows: exactly once, and merged without counting twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perfectcv_traffic.errors import StorageError
from perfectcv_traffic.fold import files
from perfectcv_traffic.fold.pool import SameProcess
from perfectcv_traffic.fold.run import Run
from perfectcv_traffic.store import counted, doctor
from perfectcv_traffic.store.batch import Counts
from perfectcv_traffic.store.counted import Span
from perfectcv_traffic.store.ingest import Options, ingest
from perfectcv_traffic.store.merge import merge
from perfectcv_traffic.store.merge_base import Merged
from perfectcv_traffic.summary import hourly, overview

Query = Callable[..., list[tuple[Any, ...]]]
Line = Callable[..., bytes]
Contents = dict[str, list[tuple[Any, ...]]]
Summary = Callable[[Path], Contents]
Folded = Callable[[Sequence[Path]], Contents]
IsWhole = Callable[[Path], bool]


def summarise(logs: Sequence[Path], db: Path) -> Counts:
    return ingest(logs, db, options=Options(summary_only=True))


def count(query: Query, db: Path, table: str = "api_requests") -> int:
    return int(query(f"SELECT count(*) FROM {table}", database=db)[0][0])


@pytest.fixture(params=["line", "foreign_line"])
def any_line(request: pytest.FixtureRequest) -> Line:
    made: Line = request.getfixturevalue(request.param)
    return made


def recorded(line: Line, number: int, writer: str = "5f1d7c3ab2e94d06") -> bytes:
    """A line with an id as the recorder counts them."""
    return line(number, event_id=f"{writer}{number:08x}")


def test_summary_only_equals_the_summary_of_rows_and_keeps_none(
    tmp_path: Path,
    query: Query,
    log: Path,
    any_line: Line,
    summary: Summary,
    is_whole: IsWhole,
) -> None:
    log.write_bytes(b"".join(any_line(n) for n in range(120)) + b"junk\n\n")
    small, full = tmp_path / "small.db", tmp_path / "full.db"
    assert summarise([log], small) == ingest([log], full)
    assert summary(small) == summary(full)
    assert count(query, small) == count(query, small, "null_value_logs") == 0
    assert query("SELECT reason, raw FROM rejected_lines", database=small)[0][1] == ""
    times = "SELECT min(timestamp), max(timestamp) FROM api_requests"
    told = "SELECT value FROM store_meta WHERE name LIKE '% summarised' ORDER BY name"
    assert [row[0] for row in query(told, database=small)] == [*query(times, database=full)[0]]
    assert is_whole(small)


def test_summary_only_again_and_of_a_grown_log_counts_each_line_once(
    db: Path,
    log: Path,
    any_line: Line,
    summary: Summary,
    folded: Folded,
    is_whole: IsWhole,
) -> None:
    log.write_bytes(b"".join(any_line(n) for n in range(20)))
    assert [summarise([log], db).new, summarise([log], db).new] == [20, 0]
    with log.open("ab") as file:
        file.write(b"".join(any_line(n) for n in range(20, 30)))
    assert summarise([log], db).new == 10
    assert summary(db) == folded([log])
    assert is_whole(db)


def test_copy_of_a_log_is_not_counted_again(
    tmp_path: Path,
    db: Path,
    query: Query,
    line: Line,
    is_whole: IsWhole,
) -> None:
    first, second = tmp_path / "a.log", tmp_path / "b.log"
    first.write_bytes(b"".join(recorded(line, n) for n in (7, 5, 6, 9)))
    second.write_bytes(b"".join(recorded(line, n) for n in (8, 9, 10, 10, 4)) + line(1))
    assert summarise([first], db).new == 4
    counts = summarise([second], db)
    assert (counts.new, counts.duplicate) == (4, 2)
    ids = query("SELECT substr(first, 17), substr(last, 17) FROM counted_ids ORDER BY first")
    assert ids[0] == ("00000004", "0000000a")
    assert len(ids) == 2
    assert is_whole(db)


def test_log_that_lost_its_tail_is_counted_once(
    db: Path,
    query: Query,
    log: Path,
    any_line: Line,
    is_whole: IsWhole,
) -> None:
    before = [any_line(n) for n in range(300)]
    after = [any_line(n) for n in range(400, 410)]
    log.write_bytes(b"".join(before) + b"junk\n")
    summarise([log], db)
    log.write_bytes(b"".join(before[:200] + after))
    counts = summarise([log], db)
    assert (counts.new, counts.duplicate) == (10, 200)
    assert query("SELECT sum(requests) FROM summary_requests") == [(310,)]
    assert is_whole(db)


def test_merged_summaries_equal_a_fold_of_all_logs(
    tmp_path: Path,
    query: Query,
    any_line: Line,
    summary: Summary,
    folded: Folded,
    is_whole: IsWhole,
) -> None:
    logs = [tmp_path / f"{n}.log" for n in range(3)]
    merged = tmp_path / "merged.db"
    for number, log in enumerate(logs):
        log.write_bytes(b"".join(any_line(n) for n in range(50 * number, 50 * number + 50)))
        db = log.with_suffix(".db")
        summarise([log], db) if number else ingest([log], db)
        assert merge(merged, db) == Merged(50, 0)
    assert summary(merged) == folded(logs)
    assert count(query, merged) == 50
    assert is_whole(merged)


def test_merging_a_summary_again_or_an_older_state_changes_nothing(
    tmp_path: Path,
    log: Path,
    any_line: Line,
    summary: Summary,
    folded: Folded,
    is_whole: IsWhole,
) -> None:
    host, older, merged = tmp_path / "host.db", tmp_path / "older.db", tmp_path / "merged.db"
    log.write_bytes(b"".join(any_line(n) for n in range(30)))
    summarise([log], host)
    doctor.back_up(host, older)
    with log.open("ab") as file:
        file.write(b"".join(any_line(n) for n in range(20, 45)) + b"junk\n")
    summarise([log], host)
    new = Run(files.found([str(log)]), SameProcess(), 1).result().recorded
    assert [merge(merged, older), merge(merged, host)] == [Merged(30, 0), Merged(new - 30, 30)]
    before = summary(merged)
    assert before == folded([log])
    assert [merge(merged, host).new, merge(merged, older).new, merge(merged, host).new] == [0, 0, 0]
    assert summary(merged) == before
    assert is_whole(merged)


@pytest.mark.parametrize("second_has_rows", [True, False])
def test_two_databases_of_one_log_are_not_merged(
    tmp_path: Path,
    log: Path,
    any_line: Line,
    *,
    second_has_rows: bool,
    summary: Summary,
    folded: Folded,
    is_whole: IsWhole,
) -> None:
    first, second, merged = (tmp_path / f"{name}.db" for name in ("first", "second", "merged"))
    log.write_bytes(b"".join(any_line(n) for n in range(60)))
    summarise([log], first)
    with log.open("ab") as file:
        file.write(any_line(60))
    if second_has_rows:  # a row can be told from others
        ingest([log], second)
        merge(merged, first)
        assert merge(merged, second) == Merged(1, 60)
        assert summary(merged) == folded([log])
    else:
        summarise([log], second)
        merge(merged, first)
        before = summary(merged)
        with pytest.raises(StorageError, match=r"second\.db .*counted already"):
            merge(merged, second)
        assert summary(merged) == before
    assert is_whole(merged)


def test_summary_of_requests_that_have_rows_is_not_merged(
    tmp_path: Path,
    query: Query,
    log: Path,
    line: Line,
    is_whole: IsWhole,
) -> None:
    log.write_bytes(b"".join(recorded(line, n) for n in range(5)))
    copy = tmp_path / "copy.log"
    others = (line(n, event_id=f"other {n}") for n in range(300))
    copy.write_bytes(recorded(line, 3) + recorded(line, 12) + b"".join(others))
    merged, host = tmp_path / "merged.db", tmp_path / "host.db"
    ingest([log], merged)
    summarise([copy], host)
    with pytest.raises(StorageError, match=r"counted already, 5f1d7c3ab2e94d0600000003"):
        merge(merged, host)
    assert count(query, merged) == 5
    assert is_whole(merged)


def test_database_that_went_on_elsewhere_is_not_merged(
    tmp_path: Path, query: Query, line: Line
) -> None:
    host, copy, merged = tmp_path / "host.db", tmp_path / "copy.db", tmp_path / "merged.db"
    logs = [tmp_path / "a.log", tmp_path / "b.log"]
    for log, number in zip(logs, (1, 2), strict=True):
        log.write_bytes(recorded(line, number))
    summarise([], host)
    doctor.back_up(host, copy)
    summarise(logs[:1], host)
    summarise(logs[1:], copy)
    merge(merged, host)
    with pytest.raises(StorageError, match=r"copy\.db does not continue"):
        merge(merged, copy)
    assert query("SELECT sum(requests) FROM summary_requests", database=merged) == [(1,)]


def test_copy_that_has_more_of_everything_but_other_requests_is_not_merged(
    tmp_path: Path, query: Query, line: Line
) -> None:
    host, copy, merged = tmp_path / "host.db", tmp_path / "copy.db", tmp_path / "merged.db"
    logs = [tmp_path / "a.log", tmp_path / "b.log"]
    summarise([], host)
    doctor.back_up(host, copy)
    for log, db, writer in zip(logs, (host, copy), ("a" * 16, "b" * 16), strict=True):
        log.write_bytes(b"".join(recorded(line, n, writer) for n in (1, 2)))
        summarise([log], db)
    with logs[1].open("ab") as file:
        file.writelines(line(n, event_id=f"other {n}") for n in range(3, 300))
    summarise(logs[1:], copy)
    merge(merged, host)
    with pytest.raises(StorageError, match=r"copy\.db does not continue"):
        merge(merged, copy)
    assert query("SELECT sum(requests) FROM summary_requests", database=merged) == [(2,)]


@given(data=st.data())
def test_spans_cover_others_exactly_if_they_have_all_their_ids(data: st.DataObject) -> None:
    """However the ids are cut into spans."""
    wider, narrower = (data.draw(st.sets(st.integers(1, 12))) for _ in range(2))
    cut = [
        [Span(*2 * (f"{n:024x}",)) for n in sorted(wider)],
        list(counted.spans(f"{n:024x}" for n in narrower)),
    ]
    assert counted.covers(*cut) == (narrower <= wider)


def test_rows_ingested_beside_merged_summaries_count_once(
    tmp_path: Path,
    log: Path,
    line: Line,
    summary: Summary,
    folded: Folded,
    is_whole: IsWhole,
) -> None:
    host, merged = tmp_path / "host.db", tmp_path / "merged.db"
    log.write_bytes(b"".join(recorded(line, n) for n in range(5)))
    summarise([log], host)
    merge(merged, host)
    other = tmp_path / "other.log"
    other.write_bytes(b"".join(recorded(line, n) for n in range(3, 8)))
    counts = ingest([other], merged)
    assert (counts.new, counts.duplicate) == (3, 2)
    assert summary(merged) == folded([log, other])
    assert is_whole(merged)


def test_centres_are_merged_like_hosts(
    tmp_path: Path, any_line: Line, summary: Summary, folded: Folded, is_whole: IsWhole
) -> None:
    logs = [tmp_path / f"{n}.log" for n in range(2)]
    region, world = tmp_path / "region.db", tmp_path / "world.db"
    for number, log in enumerate(logs):
        log.write_bytes(b"".join(any_line(n) for n in range(40 * number, 40 * number + 40)))
        summarise([log], log.with_suffix(".db"))
        merge(region, log.with_suffix(".db"))
        assert merge(world, region) == Merged(40, 40 * number)
    assert summary(world) == folded(logs)
    with pytest.raises(StorageError, match="counted already"):
        merge(world, logs[0].with_suffix(".db"))
    assert is_whole(world)


def test_kinds_of_database_are_not_mixed_by_accident(tmp_path: Path, log: Path, line: Line) -> None:
    small, full = tmp_path / "small.db", tmp_path / "full.db"
    log.write_bytes(line(1))
    summarise([log], small)
    ingest([log], full)
    with pytest.raises(StorageError, match=r"small\.db .* with --summary-only"):
        ingest([log], small)
    with pytest.raises(StorageError, match=r"full\.db .* database of its own"):
        summarise([log], full)
    with pytest.raises(StorageError, match=r"small\.db keeps no requests"):
        merge(small, full)
    with pytest.raises(StorageError, match=r"small\.db keeps the summary alone"):
        doctor.rebuild_summary(small)


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_merged_summaries_of_any_shards_in_any_order_equal_a_fold_of_all_logs(
    tmp_path_factory: pytest.TempPathFactory,
    line: Line,
    data: st.DataObject,
    summary: Summary,
    folded: Folded,
    is_whole: IsWhole,
) -> None:
    folder = tmp_path_factory.mktemp("shards")
    shards = data.draw(
        st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=4), min_size=1, max_size=3)
    )
    number, logs, merged = 0, [], folder / "merged.db"
    order = data.draw(st.permutations(range(len(shards))))
    for shard, pieces in enumerate(shards):
        log, db = folder / f"{shard}.log", folder / f"{shard}.db"
        logs.append(log)
        with log.open("ab") as file:
            for piece in pieces:  # each a state of the host that may be merged
                file.write(b"".join(recorded(line, number + n) for n in range(piece)))
                file.flush()
                number += piece
                summarise([log], db)
                if data.draw(st.booleans()):
                    merge(merged, db)
    for shard in order:
        merge(merged, folder / f"{shard}.db")
    assert summary(merged) == folded(logs)
    assert is_whole(merged)


def test_summary_of_a_scanned_host_that_gave_up_groups_since_is_merged_exactly(
    tmp_path: Path,
    line: Line,
    monkeypatch: pytest.MonkeyPatch,
    summary: Summary,
    folded: Folded,
    is_whole: IsWhole,
) -> None:
    """What has a row of its own at one merge may be among the others at the next."""
    for name, limit in hourly.LIMITS.items():
        monkeypatch.setitem(dict_of(hourly.LIMITS), name, replace(limit, most=(3, 3)))
    monkeypatch.setattr(overview, "MAX_GROUPS", 5)
    hosts = [tmp_path / f"{n}.log" for n in range(2)]
    merged, number = tmp_path / "merged.db", 0
    for _ in range(4):
        for host in hosts:
            with host.open("ab") as file:
                for _ in range(4):
                    number += 1
                    change = {"route": None, "path": f"/scan-{number:03}a", "status_code": 404}
                    file.write(line(number, timestamp="2026-11-21T10:00:00.000000Z", **change))
                    change |= {"path": f"/own-{number % 9}b", "status_code": 200}
                    file.write(line(1000 + number, **change))
            summarise([host], host.with_suffix(".db"))
            assert merge(merged, host.with_suffix(".db")).new == 8
    assert summary(merged) == folded(hosts)
    assert is_whole(merged)


def dict_of(limits: Mapping[str, hourly.Limit]) -> dict[str, hourly.Limit]:
    """The limits, to be changed for a test."""
    assert isinstance(limits, dict)
    return limits
