# Sets up .venv once, then runs: perfectcv-traffic run ARGUMENTS

# Not by $ErrorActionPreference = 'Stop': with that, Windows PowerShell 5.1 ends at the first line that
# a program writes to a redirected stderr, be it a note or what the stub below says.
trap { [Console]::Error.WriteLine("run_monitoring: $_"); exit 3 }
Set-Location -LiteralPath $PSScriptRoot -ErrorAction Stop

# Asked for its version, not just looked for: the Microsoft Store puts a stub on PATH.
function Test-Python([string[]] $Command) {
    $launcher, $options = $Command
    if (-not (Get-Command $launcher -ErrorAction SilentlyContinue)) { return $false }
    & $launcher @options -c 'import sys; sys.exit(sys.version_info < (3, 11))' *> $null
    return $LASTEXITCODE -eq 0
}

if (Test-Python 'py', '-3') {
    $python = 'py', '-3'
} elseif (Test-Python 'python') {
    $python = , 'python'
} else {
    [Console]::Error.WriteLine('run_monitoring: Python 3.11 or newer is needed, see https://www.python.org/downloads/')
    exit 3
}

if (-not (Test-Path -LiteralPath '.venv\Scripts\python.exe')) {
    $launcher, $options = $python
    & $launcher @options -m venv .venv
    if ($LASTEXITCODE -ne 0) { exit 3 }
}
if (-not (Test-Path -LiteralPath '.venv\Scripts\perfectcv-traffic.exe')) {
    & '.venv\Scripts\python.exe' -m pip install --quiet --disable-pip-version-check -e .
    if ($LASTEXITCODE -ne 0) { exit 3 }
}

& '.venv\Scripts\perfectcv-traffic.exe' run @args
exit $LASTEXITCODE
