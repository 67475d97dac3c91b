"""One request per operation that succeeds: what every probe is compared with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from perfectcv_traffic.generate.credential_variants import present
from perfectcv_traffic.generate.credentials import Credentials, CredentialUse
from perfectcv_traffic.generate.encoding import text_of
from perfectcv_traffic.generate.ids import MAX_LISTED, IdPool
from perfectcv_traffic.generate.openapi import Location
from perfectcv_traffic.generate.operations import PATH_PARAMETER, Operation
from perfectcv_traffic.generate.probe.drafting import Attempt, Drafter
from perfectcv_traffic.generate.probe.exchange import Case, Prober, Reply
from perfectcv_traffic.generate.statuses import (
    METHOD_NOT_ALLOWED,
    SERVER_ERRORS,
    SUCCESS,
    UNAUTHORIZED,
)

MAX_CRASHES: Final = 2
"""Attempts answered 5xx after which an operation is left alone."""
_HOPELESS: Final = frozenset({UNAUTHORIZED, METHOD_NOT_ALLOWED, None})


@dataclass(frozen=True, slots=True)
class Baseline:
    """The best answer of an operation to a request with the right credential."""

    reply: Reply
    attempt: Attempt | None = None
    """What the request was made from."""

    @property
    def case(self) -> Case:
        """The request, to be repeated with one thing changed."""
        return self.reply.case

    @property
    def is_good(self) -> bool:
        """Whether the request succeeded."""
        return self.reply.succeeded

    @property
    def why_not(self) -> str:
        """Why nothing can be compared with it."""
        return f"no valid request was answered 2xx: {self.reply.text}"


@dataclass(slots=True)
class HappyPath:
    """Finds a baseline for each operation, and learns ids on the way."""

    prober: Prober
    drafter: Drafter
    ids: IdPool
    credentials: Credentials
    baselines: dict[str, Baseline] = field(default_factory=dict)

    async def walk(self, operations: Sequence[Operation]) -> None:
        """Reads first, those without ids before those with; then writes; then what failed."""
        reads = [one for one in operations if one.method == "GET"]
        writes = [one for one in operations if one.method not in ("GET", "DELETE")]
        await self._try_all(sorted(reads, key=_fewest_ids_first))
        await self._try_all(sorted(writes, key=_creators_first))
        await self._list_again(reads)
        await self._try_all(
            sorted((one for one in reads if self._may_work(one)), key=_fewest_ids_first)
        )
        await self._try_all(
            sorted((one for one in writes if self._may_work(one)), key=_creators_first)
        )

    async def visit(self, operations: Iterable[Operation]) -> None:
        """Read further objects of each collection: one of them may be in an odd state."""
        for operation in operations:
            baseline = self.baselines.get(operation.key)
            if baseline is None or not baseline.is_good or not baseline.case.ids:
                continue
            seen = [dict(baseline.case.ids)]
            for turn in range(MAX_LISTED):
                ids = self.ids.bind(operation, turn)
                if ids not in seen:
                    seen.append(ids)
                    await self.prober.send(replace(baseline.case, ids=ids, number=""))

    async def repeat(self, baseline: Baseline) -> Reply:
        """The valid request once more."""
        return await self.prober.send(replace(baseline.case, number=""))

    def learn(self, reply: Reply) -> None:
        """Keep the ids of a 2xx answer."""
        operation = reply.case.operation
        if not reply.succeeded or operation.method not in ("GET", "POST"):
            return
        decoded = reply.json()
        if decoded is not None:
            self.ids.learn(operation, path_values(reply), decoded)

    def valid_case(self, attempt: Attempt) -> Case:
        """An attempt as a case with the right credential."""
        operation = attempt.draft.operation
        return Case(
            scenario="valid",
            label="valid request",
            draft=attempt.draft,
            ids=attempt.ids,
            presented=present(CredentialUse.VALID, operation, self.credentials, ""),
            expected="2xx",
            expects=SUCCESS.__contains__,
        )

    async def _list_again(self, reads: Sequence[Operation]) -> None:
        """Lists that were empty: by now something was created."""
        for operation in reads:
            baseline = self.baselines.get(operation.key)
            is_list = operation in self.ids.producers and not self.ids.has_listed(operation)
            if is_list and baseline is not None and baseline.is_good:
                self.learn(await self.repeat(baseline))

    async def _try_all(self, operations: Iterable[Operation]) -> None:
        for operation in operations:
            await self._try(operation)

    async def _try(self, operation: Operation) -> None:
        crashes = 0
        for attempt in self.drafter.attempts(operation):
            case = self.valid_case(attempt)
            known = self.baselines.get(operation.key)
            if known is not None and _same(known.case, case):
                continue
            reply = await self.prober.send(case)
            if known is None or reply.succeeded:
                self.baselines[operation.key] = Baseline(reply, attempt)
            if reply.succeeded:
                self.learn(reply)
            crashes += reply.status in SERVER_ERRORS
            if reply.succeeded or reply.status in _HOPELESS or crashes >= MAX_CRASHES:
                return

    def _may_work(self, operation: Operation) -> bool:
        baseline = self.baselines.get(operation.key)
        if baseline is None or baseline.is_good or baseline.reply.status in _HOPELESS:
            return False
        return bool(self.ids.bind(operation, 0, own_first=True)) or operation.body is not None


def path_values(reply: Reply) -> dict[str, str]:
    """The path parameters of a request as they were sent."""
    drafted = reply.case.draft.values[Location.PATH]
    return {name: text_of(value) for name, value in drafted.items()} | dict(reply.case.ids)


def _same(first: Case, second: Case) -> bool:
    return (first.draft, dict(first.ids)) == (second.draft, dict(second.ids))


def _fewest_ids_first(operation: Operation) -> tuple[int, int, str]:
    needs = sum(one.required for one in operation.parameters_in(Location.QUERY))
    return len(PATH_PARAMETER.findall(operation.path)), needs, operation.path


def _creators_first(operation: Operation) -> tuple[int, int, str]:
    order = {"POST": 0, "PUT": 1, "PATCH": 2}
    ends_with_id = operation.path.rstrip("/").endswith("}")
    ids = len(PATH_PARAMETER.findall(operation.path))
    return ids + ends_with_id, order.get(operation.method, 3), operation.path
