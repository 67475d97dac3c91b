"""What the program says of itself."""

import subprocess
import sys
from collections.abc import Callable

import pytest
import typer

from perfectcv_traffic.cli import app
from perfectcv_traffic.cli.app import COMMANDS
from perfectcv_traffic.settings import ENVIRONMENT_PREFIX

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


@pytest.mark.parametrize("name", NAMES)
def test_every_option_has_an_environment_variable_and_help(name: str) -> None:
    command = typer.main.get_command(app.program()).commands[name]  # type: ignore[attr-defined]
    options = [one for one in command.params if one.opts[0].startswith("--")]

    for option in options:
        expected = ENVIRONMENT_PREFIX + option.opts[0][2:].replace("-", "_").upper()
        assert option.envvar == expected
        assert option.help


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
