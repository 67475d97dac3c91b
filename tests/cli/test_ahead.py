"""A fold is begun early only where nothing could make it another one."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.main import get_group

from perfectcv_traffic.cli import ahead
from perfectcv_traffic.cli.app import COMMANDS, program
from perfectcv_traffic.fold import pool, run, splits
from perfectcv_traffic.sources import early
from perfectcv_traffic.sources.answers import read
from perfectcv_traffic.sources.filters import Filters
from perfectcv_traffic.sources.logs import begun
from perfectcv_traffic.sources.source import Source

LINES = b'{"request_id":"r","path":"/a"}\n' * 50


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A log that is long enough."""
    monkeypatch.setattr(pool, "WORTH_PROCESSES", 10)
    path = tmp_path / "api_traffic.log"
    path.write_bytes(LINES)
    return path


@pytest.mark.parametrize(
    "words",
    [["analyze", "LOG"], ["report", "LOG"], ["analyze", "--no-charts", "LOG", "--json", "LOG"]],
)
def test_logs_without_any_choice_are_begun(log: Path, words: list[str]) -> None:
    arguments = [str(log) if word == "LOG" else word for word in words]
    assert ahead.logs(arguments) == [str(log)] * words.count("LOG")


@pytest.mark.parametrize(
    "words",
    [[], ["analyze"], ["ingest", "LOG"], ["analyze", "LOG", "--status", "5xx"], ["analyze", "no"],
     ["analyze", "LOG", "--jobs=1"], ["--version"], ["analyze", "LOG", "--help"]],
)  # fmt: skip
def test_any_doubt_leaves_it_for_later(log: Path, words: list[str]) -> None:
    assert ahead.logs([str(log) if word == "LOG" else word for word in words]) == []


@pytest.mark.parametrize(
    "words", [["ingest", "LOG"], ["ingest", "LOG", "--db", "a.db", "--strict"]]
)
def test_log_that_is_ingested_gets_help_early(log: Path, words: list[str]) -> None:
    assert ahead.ingested([str(log) if word == "LOG" else word for word in words]) == log


@pytest.mark.parametrize(
    "words",
    [[], ["ingest"], ["ingest", "status"], ["ingest", "--json"], ["analyze", "LOG"],
     *(["ingest", "LOG", option] for option in ahead.ALONE), ["ingest", "LOG", "--explain=3"]],
)  # fmt: skip
def test_what_one_process_does_gets_no_help(log: Path, words: list[str]) -> None:
    assert ahead.ingested([str(log) if word == "LOG" else word for word in words]) is None


def test_commands_and_options_that_are_known_ahead_exist() -> None:
    assert {*COMMANDS} > {ahead.SERVING, ahead.INGESTING, *ahead.FOLDING}
    options = {
        name: {option for one in command.params for option in one.opts}
        for name, command in get_group(program()).commands.items()
    }
    assert options[ahead.INGESTING] > {*ahead.ALONE} - {"--help"}
    assert set().union(*(options[name] for name in ahead.FOLDING)) > ahead.SHOWING


def test_variable_of_the_program_leaves_it_for_later(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERFECTCV_TRAFFIC_STATUS", "5xx")
    assert ahead.logs(["analyze", str(log)]) == []


def test_what_was_begun_is_read_once_and_only_by_who_wants_all_of_it(log: Path) -> None:
    plain = Source(log, [log])
    with ahead.begun(["analyze", str(log)]):
        with begun(Source(log, [log], Filters(statuses=("5xx",)), jobs=1)) as filtered:
            assert read(filtered).health.ingested == 50
        with begun(plain) as first, begun(plain) as second:
            assert first.run is not second.run
            assert read(first).health.ingested == read(second).health.ingested == 50
    assert early.taken([str(log)]) is None


@pytest.mark.parametrize("repeated", [0, 20])
def test_latest_requests_are_those_of_all_lines_though_the_last_are_folded_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repeated: int
) -> None:
    monkeypatch.setattr(splits, "LEAST", 1000)
    monkeypatch.setattr(run, "_ENOUGH_FOR_LATEST", 1500)
    line = '{"request_id":"r%d","event_id":"5f1d7c3ab2e94d06%08x","path":"/a"}\n'
    written = [line % (number, number) for number in range(300)]
    path = tmp_path / "api_traffic.log"
    path.write_text("".join([*written, *written[:repeated]]))
    found = read(Source(path, [path]))
    assert found.health.duplicates == repeated
    assert found.recent["request_id"].tolist() == [f"r{number}" for number in range(300)]
