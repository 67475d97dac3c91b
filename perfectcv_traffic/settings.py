"""One table of settings: name, type, default, environment variable, meaning.

Command-line options and `setup_monitoring` take their names, defaults and help from here. A value
is looked for in the call, then in the environment, then in the default.
"""

from __future__ import annotations

import os
import re
import typing
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple, Self

import msgspec

from perfectcv_traffic.errors import UsageError

ENVIRONMENT_PREFIX = "PERFECTCV_TRAFFIC_"

HEALTH_CHECKS = (
    r"/_?(health|healthz|livez?|readyz?|ping)/?$",
    r"/_?(health|ready|live)[-_]?checks?/?$",
    r"/_?(readiness|liveness)/?$",
    r"/_?heart[-_]?beats?/?$",
)


_ITEM = re.compile(r"(?:\{[^}]*\}|\[[^\]]*\]|[^\s,])+")
"""An item of a list in the environment: `{1,3}` and `[a, b]` of a regular expression are whole."""


def _means(meaning: str, **limits: Any) -> msgspec.Meta:
    return msgspec.Meta(description=meaning, **limits)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Every setting, validated. Build it with `Settings.resolve`."""

    log: Annotated[str, _means("traffic log: one JSON object per line")] = "api_traffic.log"
    db: Annotated[str, _means("SQLite database")] = "traffic_monitor.db"
    output: Annotated[str, _means("directory of charts, report and summary")] = "analysis_output"
    disabled: Annotated[bool, _means("switch the recorder off without touching the code")] = False
    body_limit: Annotated[
        int, _means("characters of each body kept in the log; 0 keeps none", ge=0, le=10_240)
    ] = 1000
    parse_limit: Annotated[
        int,
        _means("bytes of each body searched for nulls and secrets; longer bodies are cut", ge=0),
    ] = 1_048_576
    capture_bodies: Annotated[bool, _means("keep bodies and search them for nulls")] = True
    capture_headers: Annotated[bool, _means("keep request and response headers")] = True
    excluded_paths: Annotated[
        tuple[str, ...],
        _means("paths not recorded (regular expressions, any case) unless they answer 4xx or 5xx"),
    ] = HEALTH_CHECKS
    sample_rate: Annotated[
        float,
        _means("share of ordinary requests recorded; errors, slow ones, nulls: all", ge=0, le=1),
    ] = 1.0
    slow_ms: Annotated[
        float,
        _means("milliseconds from which a request is recorded whatever sample_rate says", ge=0),
    ] = 1000.0
    queue_records: Annotated[
        int, _means("records waiting for the log writer; beyond it they are dropped", ge=1)
    ] = 10_000
    queue_bytes: Annotated[
        int, _means("bytes waiting for the log writer; beyond it bodies are dropped", ge=1)
    ] = 67_108_864
    flush_interval: Annotated[
        float,
        _means(
            "seconds a record may wait to be written; a fifth of it unless the API is busy",
            gt=0,
            le=60,
        ),
    ] = 0.1
    trusted_proxies: Annotated[
        tuple[str, ...],
        _means("proxy addresses or CIDR blocks whose Forwarded headers count, in access logs too"),
    ] = ()
    client_ip: Annotated[
        Literal["full", "masked", "hashed", "none"],
        _means("client address as recorded: whole, without its last 16 or 80 bits, hashed, not"),
    ] = "full"
    redact: Annotated[
        tuple[str, ...], _means("further names whose values are secret, whole name, any case")
    ] = ()
    keep: Annotated[
        tuple[str, ...], _means("names whose values stay readable although they look secret")
    ] = ()
    composing: Annotated[
        Literal["child", "thread"],
        _means("who makes the records: a child process beside each worker, or a thread in it"),
    ] = "child"
    ingest: Annotated[
        Literal["child", "off"],
        _means("who fills the database: a child process beside the API, or nobody here"),
    ] = "child"
    analyze_on_shutdown: Annotated[
        bool, _means("ingest the log and write the analysis when the API shuts down")
    ] = False
    uuid_login: Annotated[
        str, _means("route whose JSON body carries the UUID of a login, 'METHOD PATH'")
    ] = "POST /auth/uuid"
    admin_token: Annotated[
        str,
        _means(
            "secret that opens the admin endpoints; without one they do not exist",
            extra={"secret": True},
        ),
    ] = ""
    admin_prefix: Annotated[
        str, _means("path of the admin endpoints", pattern=r"^(/[A-Za-z0-9._~-]+)+$")
    ] = "/admin"
    admin_openapi: Annotated[
        bool, _means("show the admin endpoints in the application's own OpenAPI document")
    ] = False
    admin_metrics: Annotated[bool, _means("serve Prometheus metrics among the admin endpoints")] = (
        False
    )
    rate_limit: Annotated[
        int,
        _means(
            "requests per client, endpoint and window beyond which it counts as blocked; 0: any",
            ge=0,
        ),
    ] = 0
    rate_limit_window: Annotated[
        int,
        _means(
            "minutes of such a window, whole hours from midnight UTC",
            ge=60,
            le=1440,
            multiple_of=60,
        ),
    ] = 60
    geoip: Annotated[
        str, _means("MaxMind database file that places logins by UUID; '' places none")
    ] = ""

    @classmethod
    def resolve(cls, environment: Mapping[str, str] | None = None, **given: Any) -> Self:
        """Settings from what is given, then the environment, then the defaults.

        Raises `UsageError` for an unknown name or a value out of range.
        """
        environment = os.environ if environment is None else environment
        unknown = sorted(set(given) - set(cls.__struct_fields__))
        if unknown:
            known = ", ".join(cls.__struct_fields__)
            raise UsageError(f"unknown setting {unknown[0]!r}; the settings are: {known}")
        values = {
            setting.name: _value(setting, given.get(setting.name), environment)
            for setting in table()
        }
        return cls(**values)


class Setting(NamedTuple):
    """One row of the table."""

    name: str
    type: Any
    default: Any
    variable: str
    meaning: str
    is_secret: bool
    """Whether its value must not be shown, not even a wrong one."""
    allowed: str
    """Its values, in words; '' for a text or a list."""


def table() -> tuple[Setting, ...]:
    """Every setting in declaration order."""
    hints = typing.get_type_hints(Settings, include_extras=True)
    return tuple(
        Setting(
            name=field.name,
            type=hints[field.name],
            default=field.default,
            variable=variable(field.name),
            meaning=_meta(hints[field.name]).description or "",
            is_secret=bool(_meta(hints[field.name]).extra),
            allowed=_allowed(hints[field.name]),
        )
        for field in msgspec.structs.fields(Settings)
    )


def _meta(hint: Any) -> msgspec.Meta:
    return typing.cast("msgspec.Meta", hint.__metadata__[0])


def _allowed(hint: Any) -> str:
    kind, meta = typing.get_args(hint)[0], _meta(hint)
    if typing.get_origin(kind) is Literal:
        return _either([str(one) for one in typing.get_args(kind)])
    if kind is bool:
        return _either(["true", "false"])
    if kind not in (int, float):
        return ""
    limits = (
        ("at least", meta.ge),
        ("more than", meta.gt),
        ("at most", meta.le),
        ("a multiple of", meta.multiple_of),
    )
    noun = "a whole number" if kind is int else "a number"
    said = [f"{words} {limit}" for words, limit in limits if limit is not None]
    return ", ".join([noun, *said])


def _either(values: list[str]) -> str:
    return f"{', '.join(values[:-1])} or {values[-1]}"


def variable(name: str) -> str:
    """The environment variable of a setting or option: `body_limit`, `--body-limit`."""
    return ENVIRONMENT_PREFIX + name.removeprefix("--").replace("-", "_").upper()


def _value(setting: Setting, given: Any, environment: Mapping[str, str]) -> Any:
    source, value = setting.name, given
    if value is None and setting.variable in environment:
        source, value = setting.variable, _read(environment[setting.variable], setting)
    if value is None:
        return setting.default
    try:
        return msgspec.convert(_plain(value), setting.type, strict=False)
    except msgspec.ValidationError as error:
        shown = source if setting.is_secret else f"{source}={value!r}"
        why = f"it is {setting.allowed}" if setting.allowed else error
        raise UsageError(f"{shown} cannot be used: {why}") from error


def _read(text: str, setting: Setting) -> Any:
    """What a variable says; None for an empty one, which is as good as none: only a list can be."""
    kind = typing.get_args(setting.type)[0]
    if typing.get_origin(kind) is tuple:
        return _ITEM.findall(text)  # between blanks, as options have them, or commas
    return text or None


def _plain(value: Any) -> Any:
    return os.fspath(value) if isinstance(value, os.PathLike) else value
