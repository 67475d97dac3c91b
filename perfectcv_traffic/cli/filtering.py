"""The options that choose requests, declared once: a command decorated with `filtered` has them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Annotated, Any

from perfectcv_traffic.cli.moments import moment
from perfectcv_traffic.cli.options import option
from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.sources.filters import TOKENS, Filters

_Texts = list[str] | None
_OPTIONS: dict[str, Any] = {
    "since": Annotated[
        str | None,
        option(
            "--since", help="From this time on: 2026-11-21T22:05, UTC unless it says, or '2h ago'."
        ),
    ],
    "until": Annotated[str | None, option("--until", help="Before this time.")],
    "path": Annotated[
        _Texts, option("--path", help="Route template or path, * for any characters; repeatable.")
    ],
    "method": Annotated[_Texts, option("--method", help="HTTP method; repeatable.")],
    "status": Annotated[_Texts, option("--status", help="404, 5xx, or none; repeatable.")],
    "token": Annotated[_Texts, option("--token", help=f"{', '.join(TOKENS)}; repeatable.")],
    "scenario": Annotated[
        _Texts, option("--scenario", help="Scenario of generated traffic, or none; repeatable.")
    ],
    "client": Annotated[
        _Texts, option("--client", help="Client address or masked token; repeatable.")
    ],
}


def filtered(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the options above, which reach it as one argument, `filters`.

    A command that has an argument `asked` is given the words of the person as well: "2h ago".
    """
    signature = inspect.signature(command, eval_str=True)

    @wraps(command)
    def with_filters(**options: Any) -> None:
        chosen = {name: options.pop(name) for name in _OPTIONS}
        if "asked" in signature.parameters:
            options["asked"] = chosen
        command(**options, filters=_filters(chosen))

    own = [one for one in signature.parameters.values() if one.name not in ("filters", "asked")]
    keyword = inspect.Parameter.POSITIONAL_OR_KEYWORD
    added = [
        inspect.Parameter(name, keyword, default=None, annotation=hint)
        for name, hint in _OPTIONS.items()
    ]
    del with_filters.__wrapped__
    with_filters.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[*own, *added]
    )
    with_filters.__annotations__ = {one.name: one.annotation for one in [*own, *added]}
    return with_filters


def _filters(chosen: dict[str, Any]) -> Filters:
    now = datetime.now(UTC)
    since, until = (chosen[name] and moment(chosen[name], now) for name in ("since", "until"))
    if since and until and since >= until:
        raise UsageError(
            f"--since {since} is not before --until {until}: no request can be between"
        )
    return Filters(
        since=since,
        until=until,
        paths=tuple(chosen["path"] or ()),
        methods=tuple(one.upper() for one in chosen["method"] or ()),
        statuses=tuple(one.lower() for one in chosen["status"] or ()),
        tokens=tuple(one.lower() for one in chosen["token"] or ()),
        scenarios=tuple(chosen["scenario"] or ()),
        clients=tuple(chosen["client"] or ()),
    )
