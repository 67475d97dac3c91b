# Sets up .venv once, then runs: perfectcv-traffic run ARGUMENTS
$ErrorActionPreference = 'Stop'
Set-Location -LiteralPath $PSScriptRoot

# Asked for its version, not just looked for: the Microsoft Store puts a stub on PATH.
function Test-Python([string[]] $Command) {
    $launcher, $options = $Command
    if (-not (Get-Command $launcher -ErrorAction SilentlyContinue)) { return $false }
    & $launcher @options --version *> $null
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
