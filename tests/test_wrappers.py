"""The Windows wrappers: real syntax, and nothing in them but what they are for."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BATCH = ROOT / "run_monitoring.bat"
POWERSHELL = ROOT / "run_monitoring.ps1"


def powershell_has_error(script: bytes) -> bool:
    import tree_sitter
    import tree_sitter_powershell

    language = tree_sitter.Language(tree_sitter_powershell.language())
    return tree_sitter.Parser(language).parse(script).root_node.has_error


def test_powershell_script_parses() -> None:
    assert not powershell_has_error(POWERSHELL.read_bytes())
    assert powershell_has_error(POWERSHELL.read_bytes() + b"\nif (")


def test_powershell_script_passes_arguments_and_exit_code_on() -> None:
    last = POWERSHELL.read_text("ascii").strip().splitlines()[-2:]

    assert last == ["& '.venv\\Scripts\\perfectcv-traffic.exe' run @args", "exit $LASTEXITCODE"]


def test_powershell_script_goes_on_when_a_program_writes_to_stderr() -> None:
    # Windows PowerShell 5.1 would end there, at the first line of a redirected stderr.
    code = re.sub(r"(?m)^\s*#.*$", "", POWERSHELL.read_text("ascii"))

    assert "ErrorActionPreference" not in code
    assert "trap {" in code


@pytest.mark.parametrize("script", [BATCH, POWERSHELL], ids=lambda path: path.suffix)
def test_wrapper_takes_no_python_that_is_too_old(script: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    major, minor = project["requires-python"].removeprefix(">=").split(".")
    asked = re.findall(r"sys\.version_info < \((\d+), (\d+)\)", script.read_text("ascii"))

    assert set(asked) == {(major, minor)}


def test_batch_file_passes_arguments_and_exit_code_on() -> None:
    last = BATCH.read_text("ascii").strip().splitlines()[-2:]

    assert last == ['".venv\\Scripts\\perfectcv-traffic.exe" run %*', "exit /b %ERRORLEVEL%"]


def test_batch_file_has_windows_line_ends_only() -> None:
    content = BATCH.read_bytes()

    assert content.count(b"\r\n") == content.count(b"\n")


@pytest.mark.parametrize("script", [BATCH, POWERSHELL], ids=lambda path: path.suffix)
def test_wrapper_calls_one_command_of_the_program(script: Path) -> None:
    calls = re.findall(r"perfectcv-traffic\.exe['\"] (\w+)", script.read_text("ascii"))

    assert calls == ["run"]
