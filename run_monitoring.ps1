# Sets up .venv once, then runs: perfectcv-traffic run ARGUMENTS
$ErrorActionPreference = 'Stop'
Set-Location -LiteralPath $PSScriptRoot

if (Get-Command 'py' -ErrorAction SilentlyContinue) {
    $python = @('py', '-3')
} elseif (Get-Command 'python' -ErrorAction SilentlyContinue) {
    $python = @('python')
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
