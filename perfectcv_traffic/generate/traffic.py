"""Planned requests sent by several workers: ids, credential and marks go in, outcomes out."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from perfectcv_traffic.generate.answer import Answer
from perfectcv_traffic.generate.credential_variants import present
from perfectcv_traffic.generate.credentials import Credentials
from perfectcv_traffic.generate.encoding import WireRequest, encode, text_of
from perfectcv_traffic.generate.ids import IdPool
from perfectcv_traffic.generate.loops import Loop, waited
from perfectcv_traffic.generate.marks import marks, request_id
from perfectcv_traffic.generate.openapi import Location
from perfectcv_traffic.generate.outcome import judge
from perfectcv_traffic.generate.plan import Planned
from perfectcv_traffic.generate.statuses import SUCCESS


@dataclass(slots=True, kw_only=True)
class Traffic(Loop[Planned]):
    """Planned requests: what they need of earlier answers is filled in when they are sent."""

    base: str
    credentials: Credentials
    ids: IdPool

    async def perform(self, item: Planned, *, due: float | None = None) -> None:
        """Send one request and note what came back."""
        drafted = item.draft.values[Location.PATH]
        ids = self.ids.bind(item.draft.operation, item.number, drafted=drafted)
        if item.pointer is not None and item.pointer.startswith("/path/"):
            ids.pop(item.pointer.removeprefix("/path/"), None)  # the null itself must arrive
        request = self._encode(item, ids)

        def note(answer: Answer, started: float) -> None:
            self._learn(item, ids, answer)
            own_id = request_id(self.run_id, item.number)
            self.keep(judge(item, request, answer, own_id, waited(started, due)))

        await self.exchange(request, note)

    def _encode(self, planned: Planned, ids: dict[str, str]) -> WireRequest:
        own_id = request_id(self.run_id, planned.number)
        scenario = planned.scenario
        return encode(
            planned.draft,
            base=self.base,
            ids=ids,
            presented=present(
                scenario.credential,
                planned.draft.operation,
                self.credentials,
                own_id,
                turn=planned.number,
            ),
            marks=marks(self.run_id, planned.number, scenario.name),
        )

    def _learn(self, planned: Planned, ids: dict[str, str], answer: Answer) -> None:
        operation = planned.draft.operation
        if answer.status not in SUCCESS:
            return
        drafted = planned.draft.values[Location.PATH]
        path = {name: text_of(value) for name, value in drafted.items()} | ids
        if operation.method == "DELETE":
            self.ids.forget(operation, path)
        elif answer.is_whole and self.ids.wants(operation):
            decoded = _decoded(answer.body)
            if decoded is not None:
                self.ids.learn(operation, path, decoded)


def _decoded(body: bytes) -> object:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
