"""Requests that stand in a file, for `generate --targets` and `--from-log`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from perfectcv_traffic.cli.terminal import note
from perfectcv_traffic.errors import UsageError

if TYPE_CHECKING:
    from perfectcv_traffic.generate.credentials import Credentials
    from perfectcv_traffic.generate.operations import LeftOut
    from perfectcv_traffic.generate.replay import Recording

MOST_REASONS: Final = 5


def recording(
    target: str, targets: Path | None, log: Path | None, credentials: Credentials
) -> Recording | None:
    """The requests of the file that was named, if one was."""
    from perfectcv_traffic.generate.from_log import read_log
    from perfectcv_traffic.generate.target import parse_target
    from perfectcv_traffic.generate.vegeta import read_targets

    if targets is not None and log is not None:
        raise UsageError("--targets and --from-log exclude each other: name one file")
    if targets is not None:
        return read_targets(targets, parse_target(target), credentials.by_variable())
    return None if log is None else read_log(log, parse_target(target), credentials)


def tell_left_out(left_out: Iterable[LeftOut]) -> None:
    """Say what of a file was not sent, and why."""
    reasons = Counter(one.reason for one in left_out)
    for reason, number in reasons.most_common(MOST_REASONS):
        note(f"{number:,} requests left out: {reason}")
    others = sum(reasons.values()) - sum(n for _, n in reasons.most_common(MOST_REASONS))
    if others:
        note(f"{others:,} requests left out for other reasons")
