"""A whole probe run: happy path, wrong credentials, nulls, deletions, the session at the end."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.generate.credential_variants import Wanted
from perfectcv_traffic.generate.credentials import Credentials
from perfectcv_traffic.generate.forge import Jwt, is_signed_with
from perfectcv_traffic.generate.openapi import Document
from perfectcv_traffic.generate.operations import Operation
from perfectcv_traffic.generate.probe.baseline import Baseline, HappyPath
from perfectcv_traffic.generate.probe.budget import Refused, Stopped
from perfectcv_traffic.generate.probe.choices import ANSWERS, AUTH, NULL
from perfectcv_traffic.generate.probe.deletes import Deletes, deletions
from perfectcv_traffic.generate.probe.exchange import Prober
from perfectcv_traffic.generate.probe.findings import Ledger, Verdict
from perfectcv_traffic.generate.probe.holes import Hole, absence, body_holes, reading_holes
from perfectcv_traffic.generate.probe.ladder import Ladder, changed
from perfectcv_traffic.generate.probe.nulls import NullProbes
from perfectcv_traffic.generate.probe.roles import Roles
from perfectcv_traffic.generate.probe.rungs import low_role_rungs
from perfectcv_traffic.generate.security import SchemeKind
from perfectcv_traffic.generate.statuses import UNAUTHORIZED

REQUESTS_PER_OPERATION: Final = 12
"""Beyond so many requests for each operation, in all, only what is essential is sent."""
REQUESTS_PER_DELETION: Final = 10
ESSENTIAL_HOLES: Final = 8
"""Nulls in each body that are essential: outer ones come first."""
MIN_FULL_REQUESTS: Final = 200
"""So many requests are spent even on a small API."""


class NotTested(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that this run could say nothing about, and why."""

    rule: str
    why: str


@dataclass(slots=True, kw_only=True)
class Probing:
    """The phases of one run, in order; what was found so far is kept when it stops early."""

    document: Document
    operations: Sequence[Operation]
    credentials: Credentials
    prober: Prober
    ledger: Ledger
    happy_path: HappyPath
    suites: frozenset[str]
    admin_path: str
    slow: float
    is_thorough: bool = False
    not_tested: list[NotTested] = field(default_factory=list)
    stopped: Stopped | None = None
    seconds: float = 0.0

    async def perform(self) -> None:
        """Every phase; `stopped` tells why one was cut short."""
        started = time.perf_counter()
        nulls = NullProbes(self.prober, self.ledger, self.happy_path, self.slow)
        roles = self._roles()
        ladder = Ladder(self.prober, self.ledger, self.happy_path, self.credentials, roles)
        try:
            await self._perform(ladder, nulls)
        except Stopped as stopped:
            self.stopped = stopped
        finally:
            await nulls.cancel()
            self.seconds = time.perf_counter() - started
        self._note_untested()

    async def _perform(self, ladder: Ladder, nulls: NullProbes) -> None:
        if AUTH in self.suites:
            self._check_jwt_secret()
        await self.happy_path.walk(self.operations)
        self._check_session()
        if ANSWERS in self.suites:
            await self.happy_path.visit(one for one in self.operations if one.method == "GET")
        if NULL in self.suites:
            for baseline in self._baselines():
                await nulls.probe(baseline, reading_holes(baseline.case.operation))
                await nulls.probe(baseline, self._absence(baseline))
        if AUTH in self.suites:
            await self._authenticate(ladder)
        if NULL in self.suites:
            await self._probe_bodies(nulls)
        if AUTH in self.suites:
            await self._put_off(ladder)
        await nulls.finish()
        await self._delete(ladder)
        await self._check_session_again()

    def _absence(self, baseline: Baseline) -> Iterator[Hole]:
        """Not of PUT and PATCH: they take what POST does, or live on what is left out."""
        operation = baseline.case.operation
        if operation.method in ("PUT", "PATCH"):
            return
        least = self.happy_path.drafter.attempt(operation, 0, is_full=False)
        if least is not None:
            yield from absence(self.document, baseline.case.draft, least.draft)

    async def _authenticate(self, ladder: Ladder) -> None:
        secured = [one for one in self._baselines() if one.case.operation.is_secured]
        for baseline in secured:
            await ladder.climb(baseline)
        higher = [one for one in secured if ladder.roles.is_for_higher(one.case.operation)]
        if self.credentials.low_token is not None and higher:
            is_known = await self._knows_low_role([one for one in secured if one not in higher])
            await ladder.step_down(higher, is_known_user=is_known)

    @property
    def _most_requests(self) -> float:
        """Requests after which only what is essential is sent."""
        if self.is_thorough:
            return math.inf
        most = REQUESTS_PER_OPERATION * len(self.operations)
        return max(MIN_FULL_REQUESTS, most) - REQUESTS_PER_DELETION * len(
            deletions(self.operations)
        )

    async def _probe_bodies(self, nulls: NullProbes) -> None:
        """The outer nulls of every body, then the inner ones while requests are left."""
        found = [
            (one, list(body_holes(self.document, one.case.draft))) for one in self._baselines()
        ]
        for baseline, holes in found:
            await nulls.probe(baseline, holes[:ESSENTIAL_HOLES])
        for baseline, holes in found:
            inner = holes[ESSENTIAL_HOLES:]
            if inner and self.prober.budget.requests >= self._most_requests:
                key = baseline.case.operation.key
                why = f"{len(inner)} inner nulls of {key}: enough requests (--thorough sends all)"
                self.not_tested.append(NotTested(rule="PT201", why=why))
            else:
                await nulls.probe(baseline, inner)

    async def _put_off(self, ladder: Ladder) -> None:
        for rule, label in await ladder.climb_later(self._most_requests):
            why = f"{label}: not everywhere, enough requests (--thorough sends all)"
            self.not_tested.append(NotTested(rule=rule, why=why))

    async def _delete(self, ladder: Ladder) -> None:
        deletes = Deletes(
            self.prober, self.ledger, self.happy_path, ladder, self.happy_path.ids, self.credentials
        )
        found = deletions(self.operations)
        for operation in found if AUTH in self.suites else ():
            await deletes.probe(operation, for_higher_role=ladder.roles.is_for_higher(operation))
        for operation in found:
            await deletes.clean_up(operation)

    def _baselines(self) -> Iterator[Baseline]:
        for operation in self.operations:
            if operation.key in self.happy_path.baselines:
                yield self.happy_path.baselines[operation.key]

    def _secured_baselines(self) -> list[Baseline]:
        found = (one for one in self._baselines() if one.case.operation.is_secured)
        return [one for one in found if one.case.presented.shell]

    def _check_session(self) -> None:
        """The right credential must be right somewhere, or every refusal would say nothing."""
        tried = self._secured_baselines()
        statuses = [one.reply.status for one in tried]
        if tried and not any(one.is_good for one in tried) and UNAUTHORIZED in statuses:
            raise Refused(
                "the credential was refused (401) wherever it was needed:"
                " check the token, the key or the login"
            )

    async def _check_session_again(self) -> None:
        """The right credential must still be right, or later refusals say nothing."""
        good = [one for one in self._secured_baselines() if one.is_good]
        reads = [one for one in good if one.case.operation.method == "GET"]
        for baseline in reads[:1]:
            reply = await self.happy_path.repeat(baseline)
            if reply.status == UNAUTHORIZED:
                raise Stopped("the credential was no longer accepted at the end of the run")

    def _check_jwt_secret(self) -> None:
        """A secret that does not sign accepted tokens would make every expired token refused."""
        secret, jwts = self.credentials.jwt_secret, self._jwts()
        is_used = secret is not None and self.credentials.expired_token is None
        if is_used and jwts and not any(is_signed_with(one, secret or "") for one in jwts):
            raise UsageError("the JWT secret does not sign the token: check --jwt-secret-env")

    def _jwts(self) -> list[Jwt]:
        """The JWTs among the secrets, whichever scheme carries them."""
        schemes = {scheme: None for one in self.operations for scheme in one.schemes}
        wanted = (Wanted(scheme=one, credentials=self.credentials, canary="") for one in schemes)
        return [one.jwt for one in wanted if one.jwt is not None]

    async def _knows_low_role(self, baselines: Sequence[Baseline]) -> bool:
        """Whether the token of the lower role is accepted anywhere."""
        for baseline in baselines[:5]:
            operation = baseline.case.operation
            for rung in low_role_rungs(operation, self.credentials):
                if operation.method == "GET" and baseline.is_good:
                    reply = await self.prober.send(changed(baseline.case, rung))
                    if reply.status != UNAUTHORIZED:
                        return True
        return not baselines

    def _roles(self) -> Roles:
        return Roles(self.admin_path, self.credentials.low_token)

    def _note_untested(self) -> None:
        """The rules that this run could not test at all, with what it would take."""
        secured = [one for one in self.operations if one.is_secured]
        bearer = any(s.kind is SchemeKind.BEARER for one in secured for s in one.schemes)
        is_jwt = bool(self._jwts())
        has_expired = self.credentials.expired_token is not None
        can_expire = has_expired or (is_jwt and self.credentials.jwt_secret is not None)
        reasons = {
            "PT103": bearer and not can_expire and "give --expired-token-env or --jwt-secret-env",
            "PT104": bearer and not is_jwt and "the token is no JWT, or there is none",
            "PT107": any(map(self._roles().is_for_higher, secured))
            and self.credentials.low_token is None
            and "give --low-token-env",
        }
        for rule, why in reasons.items() if AUTH in self.suites else ():
            if why:
                self.not_tested.append(NotTested(rule=rule, why=why))
                for operation in secured:
                    self.ledger.note(rule, operation, Verdict.NOT_TESTED, why)
