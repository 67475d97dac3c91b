@echo off
rem Sets up .venv once, then runs: perfectcv-traffic run ARGUMENTS
setlocal
cd /d "%~dp0"

rem Asked for its version, not just looked for: the Microsoft Store puts a stub on PATH.
rem "call", because pyenv puts a batch file in front of python.exe.
set "PYTHON="
call py -3 -c "import sys; sys.exit(sys.version_info < (3, 11))" >nul 2>nul
if not errorlevel 1 set "PYTHON=py -3"
if not defined PYTHON (
    call python -c "import sys; sys.exit(sys.version_info < (3, 11))" >nul 2>nul
    if not errorlevel 1 set "PYTHON=python"
)
if not defined PYTHON (
    echo run_monitoring: Python 3.11 or newer is needed, see https://www.python.org/downloads/ 1>&2
    exit /b 3
)

if not exist ".venv\Scripts\python.exe" (
    call %PYTHON% -m venv .venv
    if errorlevel 1 exit /b 3
)
if not exist ".venv\Scripts\perfectcv-traffic.exe" (
    ".venv\Scripts\python.exe" -m pip install --quiet --disable-pip-version-check -e .
    if errorlevel 1 exit /b 3
)

".venv\Scripts\perfectcv-traffic.exe" run %*
exit /b %ERRORLEVEL%
