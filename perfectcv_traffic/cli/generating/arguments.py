"""The options of `generate`, many of them those of `run` too: name, meaning, limits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

from perfectcv_traffic.cli.options import option, typed_option
from perfectcv_traffic.generate import defaults

FINDING: Final = "What to look for"
TRAFFIC: Final = "Traffic instead of probes"
PACE: Final = "How fast"
SAFETY: Final = "What may be called"
LIMITS: Final = "Limits of a run"
SECRETS: Final = "Credentials"
OUTPUT: Final = "What to tell"

Suite = Annotated[
    str | None,
    option(
        "--suite",
        help="Of auth, null, answers, load, by comma. [default: auth,null,answers]",
        panel=FINDING,
    ),
]
MaxRequests = Annotated[
    int, option("--max-requests", help="Stop after so many requests.", panel=LIMITS, min=1)
]
MaxSeconds = Annotated[
    float, option("--max-seconds", help="Stop after so many seconds.", panel=LIMITS, min=0.001)
]
StopAfter = Annotated[
    int, option("--stop-after", help="Stop after so many 5xx in a row.", panel=LIMITS, min=1)
]
Thorough = Annotated[
    bool,
    option("--thorough", help="Every variant at every operation: more requests.", panel=FINDING),
]
MaxFindings = Annotated[
    int | None, option("--max-findings", help="Stop at so many findings.", panel=LIMITS, min=1)
]
Only = Annotated[
    list[str] | None,
    option("--only", help="Only this rule (PT104); may be repeated.", panel=FINDING, of="generate"),
]
Replay = Annotated[
    Path | None,
    option(
        "--replay",
        help="Test again only what this JSON report found.",
        panel=FINDING,
        dir_okay=False,
        exists=True,
    ),
]
Slow = Annotated[
    float, option("--slow", help="Seconds from which an answer is slow.", panel=FINDING, min=0.001)
]
AdminPath = Annotated[
    str, option("--admin-path", help="Paths a lower role must not reach (pattern).", panel=FINDING)
]
DryRun = Annotated[
    bool,
    option(
        "--dry-run",
        help="Print the plan as JSON lines, with --format vegeta as its targets; only the document"
        " is fetched.",
        panel=FINDING,
    ),
]
Formats = Annotated[
    list[str] | None,
    option(
        "--format",
        help="text, json, jsonl, junit or sarif; repeatable, with --output.",
        panel=OUTPUT,
        of="generate",
    ),
]
Outputs = Annotated[
    list[Path] | None,
    option(
        "--output",
        help="File for the --format before it; repeatable.",
        panel=OUTPUT,
        of="generate",
    ),
]
Baseline = Annotated[
    Path | None,
    option("--baseline", help="File of accepted findings.", panel=OUTPUT, dir_okay=False),
]
UpdateBaseline = Annotated[
    bool,
    typed_option("--update-baseline", help="Write all findings into --baseline.", panel=OUTPUT),
]
FailOn = Annotated[
    str | None,
    option(
        "--fail-on",
        help="Exit 1 from this severity on: error, warning, note; never; or surprise (traffic)."
        " [default: error; traffic: never]",
        panel=OUTPUT,
        of="generate",
    ),
]
Requests = Annotated[
    int | None, option("--requests", help="Requests to send.", panel=TRAFFIC, min=1)
]
Duration = Annotated[
    float | None, option("--duration", help="Seconds to send for.", panel=TRAFFIC, min=0.001)
]
Stages = Annotated[
    str | None,
    option("--stages", help="Seconds and rates in turn: 10s@5,30s@50.", panel=TRAFFIC),
]
Rate = Annotated[
    float | None,
    option(
        "--rate",
        help="Requests a second; in traffic sent when due, answered or not.",
        panel=PACE,
        min=0.001,
    ),
]
Delay = Annotated[float, option("--delay", help="Seconds between two requests.", panel=PACE, min=0)]
Concurrency = Annotated[
    int,
    option(
        "--concurrency",
        help="Requests under way at once.",
        panel=PACE,
        min=1,
        max=defaults.MAX_CONCURRENCY,
    ),
]
Seed = Annotated[int, option("--seed", help="The same seed sends the same requests.", panel=PACE)]
Timeout = Annotated[
    float, option("--timeout", help="Seconds to wait for an answer.", panel=PACE, min=0.001)
]
Scenarios = Annotated[
    list[str] | None,
    option(
        "--scenario",
        help="Only this scenario, also as NAME=WEIGHT; repeatable.",
        panel=TRAFFIC,
        of="generate",
    ),
]
Targets = Annotated[
    Path | None,
    option(
        "--targets",
        help="Send the requests of this file: JSON lines in vegeta's shape.",
        panel=TRAFFIC,
        dir_okay=False,
    ),
]
FromLog = Annotated[
    Path | None,
    option(
        "--from-log",
        help="Send the requests that this traffic log has recorded.",
        panel=TRAFFIC,
        dir_okay=False,
    ),
]
AllowWrites = Annotated[
    bool, typed_option("--allow-writes", help="Send POST, PUT and PATCH too.", panel=SAFETY)
]
AllowDeletes = Annotated[
    bool, typed_option("--allow-deletes", help="Send DELETE too.", panel=SAFETY)
]
AllowHosts = Annotated[
    list[str] | None,
    typed_option(
        "--allow-host",
        help="A host beyond this machine that may be sent to; repeatable.",
        panel=SAFETY,
    ),
]
Methods = Annotated[
    list[str] | None, option("--methods", help="Only this method; may be repeated.", panel=SAFETY)
]
ReadOnly = Annotated[
    list[str] | None,
    typed_option(
        "--read-only", help="Writes like this pattern only read; repeatable.", panel=SAFETY
    ),
]
DeleteExisting = Annotated[
    bool,
    typed_option("--delete-existing", help="Delete what the run did not create too.", panel=SAFETY),
]
Include = Annotated[
    list[str] | None,
    option("--include", help="Only operations like this pattern; repeatable.", panel=SAFETY),
]
Exclude = Annotated[
    list[str] | None,
    option("--exclude", help="No operations like this pattern; repeatable.", panel=SAFETY),
]
IncludeRisky = Annotated[
    list[str] | None,
    typed_option(
        "--include-risky", help="Risky operations like this pattern too; repeatable.", panel=SAFETY
    ),
]

Username = Annotated[
    str | None, option("--username", help="User to log in at the tokenUrl.", panel=SECRETS)
]
PasswordEnv = Annotated[
    str | None,
    option("--password-env", help="Environment variable that holds the password.", panel=SECRETS),
]
TokenEnv = Annotated[
    str | None,
    option("--token-env", help="Environment variable that holds a bearer token.", panel=SECRETS),
]
TokenFile = Annotated[
    Path | None,
    option("--token-file", help="File that holds a bearer token.", panel=SECRETS, dir_okay=False),
]
LowTokenEnv = Annotated[
    str | None,
    option("--low-token-env", help="Variable with the token of a lower role.", panel=SECRETS),
]
ExpiredTokenEnv = Annotated[
    str | None,
    option("--expired-token-env", help="Variable with a token that has expired.", panel=SECRETS),
]
JwtSecretEnv = Annotated[
    str | None,
    option(
        "--jwt-secret-env",
        help="Variable with the API's JWT secret: makes an expired token.",
        panel=SECRETS,
    ),
]
ApiKeyEnvs = Annotated[
    list[str] | None,
    option(
        "--api-key-env",
        help="Variable with an API key, or SCHEME=VARIABLE; repeatable.",
        panel=SECRETS,
    ),
]
LoginAt = Annotated[
    str | None,
    option("--login", help="Log in here, not at the tokenUrl: 'POST /auth/login'.", panel=SECRETS),
]
LoginFields = Annotated[
    list[str] | None,
    option(
        "--login-field",
        help="NAME=VALUE for --login; env:VARIABLE as value; repeatable.",
        panel=SECRETS,
    ),
]
TokenPointer = Annotated[
    str,
    option("--token-pointer", help="Where --login answers with the token.", panel=SECRETS),
]
