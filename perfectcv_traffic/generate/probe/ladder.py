"""Every rung at one operation: the exact request that succeeded, with another credential."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from perfectcv_traffic.generate.credentials import Credentials
from perfectcv_traffic.generate.ids import well_formed_id
from perfectcv_traffic.generate.operations import PATH_PARAMETER, Operation
from perfectcv_traffic.generate.probe.baseline import Baseline, HappyPath
from perfectcv_traffic.generate.probe.exchange import Case, Prober, Reply
from perfectcv_traffic.generate.probe.findings import Ledger, Sign, Verdict
from perfectcv_traffic.generate.probe.refusal import REFUSALS, Meaning, meaning
from perfectcv_traffic.generate.probe.roles import Roles
from perfectcv_traffic.generate.probe.rungs import (
    LOW_ROLE,
    Rung,
    Unit,
    low_role_rungs,
    rung_of_none,
    rungs,
    units_of,
    without,
)
from perfectcv_traffic.generate.statuses import SERVER_ERRORS

EXPECTED: Final = "401 or 403"
_LOW_ROLE_UNKNOWN: Final = "the token of the lower role was accepted nowhere"


@dataclass(slots=True)
class Ladder:
    """Tries wrong credentials, and judges the answers."""

    prober: Prober
    ledger: Ledger
    happy_path: HappyPath
    credentials: Credentials
    roles: Roles
    later: list[tuple[Baseline, Rung]] = field(default_factory=list)
    """Rungs that are tried when everything else is done."""
    _done: set[str] = field(default_factory=set)

    async def climb(self, baseline: Baseline) -> None:
        """Every rung at one operation, until one is accepted that implies the others."""
        operation = baseline.case.operation
        if await self.goes_on(baseline, rung_of_none()):
            return
        if baseline.is_good:
            await self._ask_for_unknown(baseline)
        units = [unit async for unit in self._units(baseline)]
        for unit in units:
            for rung in rungs(unit, self.credentials, f"{operation.method}-{len(self._done)}"):
                if not baseline.is_good and not rung.kind.implies_all:
                    continue
                if not rung.is_core:
                    self.later.append((baseline, rung))
                elif await self.goes_on(baseline, rung):
                    return
        self._done.add(operation.key)

    async def climb_later(self, most_requests: float) -> list[tuple[str, str]]:
        """The rungs that were put off, while requests are left; rule and label of the others."""
        skipped: dict[tuple[str, str], None] = {}
        for baseline, rung in sorted(self.later, key=lambda one: _LATER.get(one[1].label, 9)):
            if self._is_closed(baseline, rung):
                continue
            if self.prober.budget.requests >= most_requests:
                skipped[rung.kind.rule, rung.label] = None
            else:
                await self.goes_on(baseline, rung)
        return list(skipped)

    async def step_down(self, baselines: Iterable[Baseline], *, is_known_user: bool) -> None:
        """The token of a lower role at operations for a higher one."""
        tried = [
            (baseline, rung, await self._ask(baseline, changed(baseline.case, rung)))
            for baseline in baselines
            for rung in low_role_rungs(baseline.case.operation, self.credentials)
            if not self._is_open(baseline.case.operation)
        ]
        for baseline, _, reply in tried:
            self.roles.learn(baseline.case.operation, reply.status)
        for baseline, rung, reply in tried:
            operation = baseline.case.operation
            await self.judge(baseline, rung, reply)
            if not is_known_user and not self.ledger.has("PT107", operation):
                self.ledger.note("PT107", operation, Verdict.INCONCLUSIVE, _LOW_ROLE_UNKNOWN)

    def _is_open(self, operation: Operation) -> bool:
        return self.ledger.has("PT101", operation) or self.ledger.has("PT102", operation)

    async def goes_on(self, baseline: Baseline, rung: Rung) -> bool:
        """Try one rung; whether it was accepted so that the ladder ends here."""
        reply = await self._ask(baseline, changed(baseline.case, rung))
        accepted = await self.judge(baseline, rung, reply)
        is_write = baseline.case.operation.method != "GET"
        return accepted and (rung.kind.implies_all or is_write)

    async def _ask(self, baseline: Baseline, case: Case) -> Reply:
        """The answer; after 5xx the second one: a server that is overloaded now and then says
        nothing of the credential by that."""
        reply = await self.prober.send(case)
        if baseline.is_good and reply.status in SERVER_ERRORS:
            return await self.prober.send(case)
        return reply

    async def judge(self, baseline: Baseline, rung: Rung, reply: Reply) -> bool:
        """Note what an answer shows; whether the credential was accepted."""
        found = meaning(rung, reply.status)
        if found is Meaning.LET_THROUGH and baseline.is_good:
            found, reply = await self._compare(baseline, rung, reply)
        if found is Meaning.ACCEPTED:
            self.accuse_unless_right(baseline, rung, reply)
            return True
        if not baseline.is_good and found is not Meaning.CRASHED:
            self.ledger.note(
                rung.kind.rule, reply.case.operation, Verdict.INCONCLUSIVE, baseline.why_not
            )
        elif found in (Meaning.CRASHED, Meaning.LET_THROUGH):
            if baseline.is_good:
                self.accuse("PT106", baseline, rung, reply)
        else:
            self._note(found, rung, reply)
        return False

    def accuse_unless_right(self, baseline: Baseline, rung: Rung, reply: Reply) -> None:
        """A finding, unless nothing says that the lower role may not do that."""
        operation = reply.case.operation
        why = self.roles.why_admitted(operation) if rung.kind is LOW_ROLE else None
        if why is None:
            self.accuse(rung.kind.rule, baseline, rung, reply)
        else:
            self.ledger.note(rung.kind.rule, operation, Verdict.INCONCLUSIVE, why)

    def accuse(self, rule: str, baseline: Baseline, rung: Rung, reply: Reply) -> None:
        """A finding: this credential got this answer."""
        self.ledger.accuse(
            Sign(
                rule=rule,
                reply=reply,
                expected=EXPECTED,
                observed=f"answered {reply.text} to: {rung.label}",
                control=baseline.reply,
            )
        )

    async def _compare(self, baseline: Baseline, rung: Rung, reply: Reply) -> tuple[Meaning, Reply]:
        """A 4xx that is no refusal: what a valid request gets now tells whether it was let in."""
        if rung.kind is LOW_ROLE:
            # Whoever may not see an object may well be told it is not there.
            return Meaning.REFUSED, reply
        control = await self.happy_path.repeat(baseline)
        if control.status != reply.status:
            return Meaning.LET_THROUGH, reply
        again = await self._anew(baseline, rung)
        if again is None or again.status == reply.status:
            return Meaning.ACCEPTED, reply
        is_refused = meaning(rung, again.status) is Meaning.REFUSED
        return (Meaning.LET_THROUGH, reply) if is_refused else (Meaning.ACCEPTED, again)

    async def _anew(self, baseline: Baseline, rung: Rung) -> Reply | None:
        """The same creation with texts that nothing has yet: what exists may be told before anyone
        asks who is calling."""
        operation, attempt = baseline.case.operation, baseline.attempt
        if operation.method != "POST" or attempt is None:
            return None
        other = self.happy_path.drafter.again(attempt, f"{rung.label} {len(self._done)}")
        if other is None:
            return None
        return await self.prober.send(replace(changed(baseline.case, rung), draft=other.draft))

    def _note(self, found: Meaning, rung: Rung, reply: Reply) -> None:
        operation = reply.case.operation
        if found is Meaning.REFUSED:
            self.ledger.note(rung.kind.rule, operation, Verdict.PASSED)
            self.ledger.note("PT106", operation, Verdict.PASSED)
        else:
            reason = f"{rung.label}: answered {reply.text}"
            self.ledger.note(rung.kind.rule, operation, Verdict.INCONCLUSIVE, reason)

    async def _ask_for_unknown(self, baseline: Baseline) -> None:
        """An id that nothing has, without a credential: 404 tells strangers what exists."""
        operation = baseline.case.operation
        holes = PATH_PARAMETER.findall(operation.path)
        if not holes or self.ledger.has("PT106", operation):
            return
        ids = {**baseline.case.ids, holes[-1]: well_formed_id(operation, holes[-1], 1)}
        rung = Rung(
            rung_of_none().kind,
            "no credential and an unknown id",
            rung_of_none().presented,
            is_core=True,
        )
        reply = await self._ask(baseline, replace(changed(baseline.case, rung), ids=ids))
        found = meaning(rung, reply.status)
        if found in (Meaning.LET_THROUGH, Meaning.CRASHED):
            self.accuse("PT106", baseline, rung, reply)
        elif found is Meaning.ACCEPTED:
            self.accuse("PT101", baseline, rung, reply)

    async def _units(self, baseline: Baseline) -> AsyncIterator[Unit]:
        """What is to be tested apart. FastAPI writes schemes that must all hold as alternatives:
        only a request without one of them tells which they are."""
        operation = baseline.case.operation
        if len(operation.schemes) == 1 or not baseline.is_good:
            for unit in units_of(operation):
                yield unit
            return
        for scheme in operation.schemes:
            rung = without(operation, scheme, self.credentials)
            reply = await self.prober.send(changed(baseline.case, rung))
            others = tuple(one for one in operation.schemes if one != scheme)
            if reply.succeeded and _are_declared_together(operation):
                self.accuse("PT101", baseline, rung, reply)
            is_needed = reply.status in REFUSALS
            yield Unit(scheme, others if is_needed else (), () if is_needed else others)

    def _is_closed(self, baseline: Baseline, rung: Rung) -> bool:
        operation = baseline.case.operation
        return self.ledger.has(rung.kind.rule, operation) or not baseline.is_good


def changed(case: Case, rung: Rung) -> Case:
    """The request of `case` with another credential and nothing else changed."""
    return replace(
        case,
        scenario=rung.kind.scenario,
        label=rung.label,
        presented=rung.presented,
        expected=EXPECTED,
        expects=REFUSALS.__contains__,
        number="",
    )


def _are_declared_together(operation: Operation) -> bool:
    return len(operation.security) == 1


_LATER: Final = {"malformed credential": 0, "broken signature": 1, "alg None": 2, "alg NONE": 3}
"""The order of what is put off; others come after."""
