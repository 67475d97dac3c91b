"""What the program says of itself."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.models import OptionInfo

from perfectcv_traffic.cli.app import COMMANDS
from perfectcv_traffic.record import TrafficLog
from perfectcv_traffic.settings import ENVIRONMENT_PREFIX, table

Program = Callable[..., subprocess.CompletedProcess[str]]

NAMES = list(COMMANDS)


@pytest.mark.parametrize("arguments", [(), *((name,) for name in NAMES)], ids="-".join)
def test_help_fits_80_columns(program: Program, arguments: tuple[str, ...]) -> None:
    done = program(*arguments, "--help")

    assert done.returncode == 0
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert done.stdout.startswith("Usage: perfectcv-traffic")


@pytest.mark.parametrize("name", NAMES)
def test_help_of_a_command_loads_no_analysis_library(name: str) -> None:
    code = (
        "import sys\nfrom perfectcv_traffic.cli.app import main\n"
        f"assert main([{name!r}, '--help']) == 0\n"
        "assert not {'pandas', 'matplotlib', 'httpx'} & set(sys.modules)"
    )

    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60)


def declared() -> Iterator[tuple[str, str, Any, OptionInfo]]:
    """Command, name of the option, type and declaration of every option there is."""
    for command in COMMANDS:
        module = importlib.import_module(f"perfectcv_traffic.cli.commands.{command}")
        function = getattr(module, command)
        for one in inspect.signature(function, eval_str=True).parameters.values():
            info = one.annotation.__metadata__[0]
            if isinstance(info, OptionInfo):
                yield command, str(info.default), one.annotation.__origin__, info


DELETING = {"prune": {"--older-than", "--keep-rows", "--max-size", "--client"}}
"""Options that choose what is deleted for good."""
_SENDING = {"--allow-writes", "--allow-deletes", "--allow-host"}
_PROBING = {"--delete-existing", "--read-only", "--include-risky", "--update-baseline"}
_READING = {name: {"--allow-host"} for name in ("ingest", "analyze", "report")}
TYPED = DELETING | _READING | {"run": _SENDING, "generate": _SENDING | _PROBING}
"""Options whose consequences cannot be taken back: said in the call itself, or not at all."""


def test_every_option_has_help_and_an_environment_variable_of_its_name() -> None:
    for command, name, _, info in declared():
        word = name.removeprefix("--").replace("-", "_").upper()
        names = {f"{ENVIRONMENT_PREFIX}{word}", f"{ENVIRONMENT_PREFIX}{command.upper()}_{word}"}
        assert info.help
        assert info.envvar in names or name in TYPED.get(command, ())


def test_what_is_deleted_is_never_chosen_by_the_environment() -> None:
    found = {(command, name): info.envvar for command, name, _, info in declared()}

    for command, names in DELETING.items():
        own = {name for of, name in found if of == command and name != "--db"}
        assert own == names
        assert all(found[command, name] is None for name in names)


def test_what_cannot_be_taken_back_is_never_chosen_by_the_environment() -> None:
    found = {(command, name): info.envvar for command, name, _, info in declared()}

    assert all(found[command, name] is None for command, names in TYPED.items() for name in names)


def test_no_variable_means_different_things() -> None:
    meanings: dict[str, set[object]] = defaultdict(set)
    for _, _, of_type, info in declared():
        if isinstance(info.envvar, str):
            meanings[info.envvar].add((str(of_type), info.help, info.min, info.max))

    assert {name: found for name, found in meanings.items() if len(found) > 1} == {}


def test_variable_of_a_setting_means_the_setting() -> None:
    """The API's own environment has them, and its ingester is a command."""
    meanings = {setting.variable: setting.meaning for setting in table()}

    for _, _, _, info in declared():
        if isinstance(info.envvar, str) and info.envvar in meanings:
            assert (info.help or "").lower() == meanings[info.envvar].lower() + "."


def test_format_that_another_command_was_told_does_not_change_how_a_log_is_read(
    program: Program, tmp_path: Path
) -> None:
    record = TrafficLog(request_id="1", method="GET", path="/a", route="/{x}", auth_required=True)
    (tmp_path / "api_traffic.log").write_bytes(msgspec.json.encode(record) + b"\n")

    program("ingest", PERFECTCV_TRAFFIC_FORMAT="json", PERFECTCV_TRAFFIC_CHECK_FORMAT="json")

    done = program("query", "SELECT route, auth_required FROM api_requests")
    assert done.stdout.splitlines()[1:] == ["/{x},1"]


def test_client_of_an_analysis_is_not_pruned(program: Program, tmp_path: Path) -> None:
    records = [TrafficLog(request_id=str(n), path="/a", client_ip="10.0.0.1") for n in range(3)]
    log = b"".join(msgspec.json.encode(one) + b"\n" for one in records)
    (tmp_path / "api_traffic.log").write_bytes(log)
    program("ingest")

    done = program("prune", "--keep-rows", "1000", PERFECTCV_TRAFFIC_CLIENT="10.0.0.1")

    assert "0 requests deleted" in done.stdout


def test_option_is_taken_from_the_environment(program: Program) -> None:
    done = program("analyze", PERFECTCV_TRAFFIC_DB="from_environment.db")

    assert "database from_environment.db does not exist" in done.stderr


def test_version_is_told(program: Program) -> None:
    assert program("--version").stdout.startswith("perfectcv-traffic 0.")


def test_what_each_command_does_is_not_cut_off_in_the_list(program: Program) -> None:
    listed = program("--help").stdout.partition("Commands:")[2]

    assert [line.split()[0] for line in listed.splitlines() if line] == NAMES
    assert "..." not in listed


@pytest.mark.parametrize("name", NAMES)
def test_help_says_how_options_are_set_from_outside(program: Program, name: str) -> None:
    assert "PERFECTCV_TRAFFIC_SOME_OPTION" in program(name, "--help").stdout


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("check", "--format: PERFECTCV_TRAFFIC_CHECK_FORMAT"),
        ("prune", "--client: from the command line only"),
    ],
)
def test_help_names_the_variables_that_are_exceptions(
    program: Program, name: str, words: str
) -> None:
    assert words in program(name, "--help").stdout
