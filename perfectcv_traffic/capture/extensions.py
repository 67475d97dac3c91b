"""What an application adds to the recorder: a record of its own, and functions of its own.

All of them run in the writer's thread, after the response was sent, and none can harm it.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

import msgspec

from perfectcv_traffic.capture.guarded import guarded
from perfectcv_traffic.capture.verifier import VerifyToken
from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.record import TrafficLog
from perfectcv_traffic.redaction import Redactor

Enrich = Callable[[Any, MutableMapping[str, Any]], None]
"""Fills fields of the record (of the model given) from the request's ASGI scope."""


@dataclass(frozen=True, slots=True)
class Extensions:
    """The arguments of `setup_monitoring` that are no settings."""

    model: type[TrafficLog] = TrafficLog
    enrich: Enrich | None = None
    verify_token: VerifyToken | None = None
    redact_text: Callable[[str], str] | None = None

    def __post_init__(self) -> None:
        if not issubclass(self.model, TrafficLog):
            raise UsageError("model must be a subclass of perfectcv_traffic.TrafficLog")
        required = [f.name for f in msgspec.structs.fields(self.model) if f.required]
        if required != ["request_id"]:
            added = ", ".join(name for name in required if name != "request_id")
            raise UsageError(f"model {self.model.__name__}: give {added} a default, such as None")
        for name in ("enrich", "verify_token", "redact_text"):
            given = getattr(self, name)
            if given is not None and not callable(given):
                raise UsageError(f"{name} must be a function, not {type(given).__name__}")

    @property
    def are_none(self) -> bool:
        """Whether the application adds nothing."""
        own = self.enrich or self.verify_token or self.redact_text
        return own is None and self.model is TrafficLog


class Enricher:
    """Calls `enrich`, and redacts what it added."""

    def __init__(self, extensions: Extensions, redactor: Redactor) -> None:
        own = extensions.enrich
        self._enrich = None if own is None else guarded("enrich", own, None)
        known = set(TrafficLog.__struct_fields__)
        self._added = [f for f in extensions.model.__struct_fields__ if f not in known]
        self._redactor = redactor

    def __call__(self, record: TrafficLog, scope: MutableMapping[str, Any] | None) -> None:
        """Enrich a record; text in added fields is redacted like a header of that name."""
        if self._enrich is None or scope is None:
            return
        self._enrich(record, scope)
        for name in self._added:
            value = getattr(record, name)
            if isinstance(value, str):
                setattr(record, name, self._redactor.header(name, value))
