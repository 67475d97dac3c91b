"""A fold is what its lines are one by one, however the logs are cut and whoever folds them."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfectcv_traffic.errors import StorageError
from perfectcv_traffic.fold import blocks, pool, splits
from perfectcv_traffic.fold import run as run_module
from perfectcv_traffic.fold.blocks import Blocks
from perfectcv_traffic.fold.files import found
from perfectcv_traffic.fold.pool import SameProcess
from perfectcv_traffic.fold.run import Run
from perfectcv_traffic.fold.work import Task
from perfectcv_traffic.record import TrafficLog
from perfectcv_traffic.summary.tables import CLIENTS, URLS

from .conftest import Expected, assert_is, contents, line, lines, write

LATEST = Task(fields=("request_id", "path"), most=25)


@pytest.fixture
def short_splits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Splits of a few lines, the borders anywhere."""
    monkeypatch.setattr(splits, "LEAST", 700)
    monkeypatch.setattr(splits, "MOST", 3001)


@pytest.mark.usefixtures("short_splits")
def test_logs_in_splits_fold_to_what_their_lines_are(logs: tuple[list[str], Expected]) -> None:
    names, expected = logs
    run = Run(found(names), SameProcess(), 2, LATEST)
    taken: list[int] = []
    part = run.result(taken.append)
    assert_is(part, expected)
    assert [request_id for request_id, _ in part.latest] == expected.ids[-25:]
    assert sum(taken) == run.size == sum(Path(name).stat().st_size for name in names)


@pytest.mark.usefixtures("short_splits")
def test_logs_by_several_processes_fold_to_what_their_lines_are(
    logs: tuple[list[str], Expected],
) -> None:
    names, expected = logs
    with pool.workers(2) as executor:
        part = Run(found(names), executor, 2, LATEST).result()
    assert_is(part, expected)
    assert [request_id for request_id, _ in part.latest] == expected.ids[-25:]


@pytest.mark.usefixtures("short_splits")
def test_repeated_records_count_once_whichever_split_is_folded_first(tmp_path: Path) -> None:
    first, second = lines(range(90)), [*lines(range(60, 150)), line(3), line(149)]
    names = [str(write(tmp_path / "a", first)), str(write(tmp_path / "b", second))]
    with ThreadPoolExecutor(4) as executor:
        part = Run(found(names), executor, 4, LATEST).result()
    assert_is(part, Expected([first, second]))


class Selected(NamedTuple):
    """A selection: every record of one path."""

    path: str

    def test(self) -> Callable[[TrafficLog], bool]:
        """Whether a record is wanted."""
        return lambda record: record.path == self.path


@pytest.mark.usefixtures("short_splits")
def test_only_selected_records_are_folded_and_all_are_counted(tmp_path: Path) -> None:
    written = lines(range(300))
    name = str(write(tmp_path / "a.log", written))
    task = LATEST._replace(selection=Selected("/users/7"))
    part = Run(found([name]), SameProcess(), 2, task).result()
    numbers = range(7, 300, 50)
    assert part.recorded == Expected([written]).recorded
    assert [row[:2] for row in part.folding.rows(URLS)] == [("/users/7", len(numbers))]
    assert part.latest == [(f"r{number}", "/users/7") for number in numbers]


@pytest.mark.usefixtures("short_splits")
@pytest.mark.parametrize("repeated", [0, 40])
def test_latest_records_are_there_first_as_far_as_none_is_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repeated: int
) -> None:
    monkeypatch.setattr(run_module, "_ENOUGH_FOR_LATEST", 40_000)
    written = lines(range(150))
    written += written[:repeated]
    name = str(write(tmp_path / "a.log", written))
    run = Run(found([name]), SameProcess(), 2, LATEST)
    likely, part = run.latest(), run.result()
    assert_is(part, Expected([written]))
    assert [request_id for request_id, _ in part.latest] == Expected([written]).ids[-25:]
    assert len(likely) == 25
    assert (likely == part.latest) == (repeated == 0)


@pytest.mark.usefixtures("short_splits")
def test_latest_records_are_found_before_a_long_end_without_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "_ENOUGH_FOR_LATEST", 1)
    written = [*lines(range(100)), *[b"no record"] * 2000]
    name = str(write(tmp_path / "a.log", written))
    part = Run(found([name]), SameProcess(), 1, LATEST).result()
    assert [request_id for request_id, _ in part.latest] == Expected([written]).ids[-25:]


def test_log_of_another_format_is_folded_in_splits_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(splits, "LEAST", 100)
    text = b'10.0.0.%d - - [21/Nov/2026:22:05:%02d +0000] "GET /u/%d HTTP/1.1" 200 5 "-" "x"'
    name = str(write(tmp_path / "access.log", [text % (n % 3, n, n) for n in range(60)], ".gz"))
    plain = str(write(tmp_path / "access.log", [text % (n % 3, n, n) for n in range(60)]))
    parts = [Run(found([one]), SameProcess(), 4).result() for one in (name, plain)]
    assert [part.recorded for part in parts] == [60, 60]
    assert contents(parts[0].folding) == contents(parts[1].folding)
    assert len(list(parts[0].folding.rows(CLIENTS))) == 3


def test_damaged_end_of_a_compressed_log_ends_it(tmp_path: Path) -> None:
    for suffix in (".gz", ".bz2", ".xz"):
        written = [line(number) for number in range(3000)]
        path = write(tmp_path / "a.log", written, suffix)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        part = Run(found([str(path)]), SameProcess(), 1).result()
        assert part.recorded < 3000
        assert part.rejected == 0


def test_log_that_is_not_there_is_named(tmp_path: Path) -> None:
    for name in ("absent.log", "*.gone"):
        with pytest.raises(StorageError, match=r"absent\.log|\*\.gone"):
            found([str(tmp_path / name)])


def test_names_may_be_patterns(tmp_path: Path) -> None:
    for number in (2, 1):
        write(tmp_path / f"{number}.log", [])
    assert [Path(one.name).name for one in found([str(tmp_path / "*.log")])] == ["1.log", "2.log"]


texts = st.lists(st.binary(max_size=12).map(lambda text: text.replace(b"\n", b"")), max_size=12)


@given(texts, st.binary(max_size=5), st.lists(st.integers(0, 160), max_size=5), st.integers(1, 9))
def test_ranges_have_each_line_once(
    found: list[bytes], rest: bytes, cuts: list[int], block: int
) -> None:
    rest = rest.replace(b"\n", b"")
    data = b"".join(text + b"\n" for text in found) + rest
    borders = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    kept, too_long = [], 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK", block)
        patch.setattr(blocks, "MAX_LINE", 9)
        for start, end in itertools.pairwise(borders):
            several = Blocks(io.BytesIO(data), start, end)
            kept += [bytes(lines) for lines in several]
            too_long += several.too_long
    kept_lines = b"".join(kept).split(b"\n")[:-1]
    assert all(lines.endswith(b"\n") for lines in kept)
    assert len(kept_lines) + too_long == len(found)
    assert [text for text in kept_lines if len(text) <= 9] == [
        one for one in found if len(one) <= 9
    ]
