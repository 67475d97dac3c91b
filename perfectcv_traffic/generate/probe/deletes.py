"""Deletions last, on objects that this run created: each is offered to every wrong credential
before the right one removes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from perfectcv_traffic.generate.credentials import Credentials
from perfectcv_traffic.generate.ids import IdPool, unknown_id
from perfectcv_traffic.generate.operations import PATH_PARAMETER, Operation
from perfectcv_traffic.generate.probe.baseline import Baseline, HappyPath, path_values
from perfectcv_traffic.generate.probe.drafting import Attempt
from perfectcv_traffic.generate.probe.exchange import Case, Prober, Reply
from perfectcv_traffic.generate.probe.findings import Ledger, Verdict
from perfectcv_traffic.generate.probe.ladder import Ladder, changed
from perfectcv_traffic.generate.probe.refusal import Meaning, meaning
from perfectcv_traffic.generate.probe.rungs import (
    NOTHING,
    Rung,
    low_role_rungs,
    rung_of_none,
    rungs,
    units_of,
)
from perfectcv_traffic.generate.statuses import NOT_FOUND, SERVER_ERRORS


@dataclass(slots=True)
class Deletes:
    """Tries wrong credentials at deletions, then deletes what this run made."""

    prober: Prober
    ledger: Ledger
    happy_path: HappyPath
    ladder: Ladder
    ids: IdPool
    credentials: Credentials

    async def probe(self, operation: Operation, *, for_higher_role: bool) -> None:
        """Every rung at one deletion, the right credential at the end."""
        await self._create(operation)
        case = self._case(operation)
        if case is None:
            return
        tried: list[tuple[Rung, Reply]] = []
        is_own = bool(self.ids.created(operation))
        if operation.is_secured:
            tried = await self._climb(operation, case, for_higher_role=for_higher_role)
        accepted = [one for one in tried if one[1].succeeded]
        for rung, reply in accepted:
            self.ladder.accuse_unless_right(Baseline(reply), rung, reply)
        if accepted:
            self.ids.forget(operation, path_values(accepted[0][1]))
            return
        control = await self._delete(case)
        self.happy_path.baselines[operation.key] = Baseline(control)
        self._judge(tried, control, is_own=is_own)

    async def clean_up(self, operation: Operation) -> None:
        """Delete what is left of the objects that this run created."""
        for text in self.ids.created(operation):
            holes = PATH_PARAMETER.findall(operation.path)
            case = self._case(operation)
            if case is not None:
                await self._delete(replace(case, ids={**case.ids, holes[-1]: text}))

    async def _create(self, operation: Operation) -> None:
        """An object to delete, if one can be created."""
        if self.ids.created(operation):
            return
        for creator in self.ids.producers.feeding(operation):
            baseline = self.happy_path.baselines.get(creator.key)
            if creator.method == "POST" and baseline is not None and baseline.is_good:
                self.happy_path.learn(await self.happy_path.repeat(baseline))

    def _case(self, operation: Operation) -> Case | None:
        attempt = self.happy_path.drafter.attempt(operation, 0, is_full=False)
        if attempt is None:
            return None
        ids = self.ids.bind(operation, 0, own_first=True)
        for hole in PATH_PARAMETER.findall(operation.path):
            ids.setdefault(hole, unknown_id(operation, hole, 0))
        return self.happy_path.valid_case(Attempt(attempt.draft, ids))

    async def _climb(
        self, operation: Operation, case: Case, *, for_higher_role: bool
    ) -> list[tuple[Rung, Reply]]:
        canary = f"{operation.method}-{len(self.prober.outcomes)}"
        ladder = [rung_of_none()]
        for unit in units_of(operation):
            ladder += [one for one in rungs(unit, self.credentials, canary) if one.is_core]
        if for_higher_role:
            ladder += low_role_rungs(operation, self.credentials)
        tried: list[tuple[Rung, Reply]] = []
        for rung in ladder:
            tried.append((rung, await self.prober.send(changed(case, rung))))
            if tried[-1][1].succeeded:
                break
        return tried

    async def _delete(self, case: Case) -> Reply:
        reply = await self.prober.send(replace(case, number=""))
        if reply.succeeded or reply.status == NOT_FOUND:
            self.ids.forget(case.operation, path_values(reply))
        return reply

    def _judge(self, tried: list[tuple[Rung, Reply]], control: Reply, *, is_own: bool) -> None:
        """The refusals, now that it is known what the right credential gets."""
        proves = control.succeeded or (not is_own and control.status == NOT_FOUND)
        for rung, reply in tried:
            self._judge_one(rung, reply, control, proves=proves)

    def _judge_one(self, rung: Rung, reply: Reply, control: Reply, *, proves: bool) -> None:
        operation, found = reply.case.operation, meaning(rung, reply.status)
        if not proves:
            reason = f"the valid request was answered {control.text}"
            self.ledger.note(rung.kind.rule, operation, Verdict.INCONCLUSIVE, reason)
        elif found is Meaning.REFUSED:
            self.ledger.note(rung.kind.rule, operation, Verdict.PASSED)
            self.ledger.note("PT106", operation, Verdict.PASSED)
        elif reply.status in SERVER_ERRORS or found is Meaning.LET_THROUGH:
            # Without a credential nobody can say whether the check is missing or comes too late.
            is_let_in = rung.kind is not NOTHING and reply.status == control.status
            rule = rung.kind.rule if is_let_in else "PT106"
            self.ladder.accuse(rule, Baseline(control), rung, reply)
        else:
            reason = f"{rung.label}: answered {reply.text}"
            self.ledger.note(rung.kind.rule, operation, Verdict.INCONCLUSIVE, reason)


def deletions(operations: Sequence[Operation]) -> list[Operation]:
    """The deletions, inner objects before those that hold them."""
    found = (one for one in operations if one.method == "DELETE")
    return sorted(found, key=lambda one: (-one.path.count("/"), one.path))
