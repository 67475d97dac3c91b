@echo off
rem Sets up .venv once, then runs: perfectcv-traffic run ARGUMENTS
setlocal
cd /d "%~dp0"

set "PYTHON="
where py >nul 2>nul && set "PYTHON=py -3"
if not defined PYTHON where python >nul 2>nul && set "PYTHON=python"
if not defined PYTHON (
    echo run_monitoring: Python 3.11 or newer is needed, see https://www.python.org/downloads/ 1>&2
    exit /b 3
)

rem "call", because pyenv and others put a batch file in front of python.exe
if not exist ".venv\Scripts\python.exe" call %PYTHON% -m venv .venv || exit /b 3
if not exist ".venv\Scripts\perfectcv-traffic.exe" (
    ".venv\Scripts\python.exe" -m pip install --quiet --disable-pip-version-check -e . || exit /b 3
)

".venv\Scripts\perfectcv-traffic.exe" run %*
exit /b %ERRORLEVEL%
