"""The entry to finding defects: load the document, probe, and tell what was found."""

from __future__ import annotations

import asyncio
import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.generate.credentials import Credentials
from perfectcv_traffic.generate.ids import IdPool
from perfectcv_traffic.generate.marks import new_run_id
from perfectcv_traffic.generate.only import Only
from perfectcv_traffic.generate.operations import Operation
from perfectcv_traffic.generate.options import Options
from perfectcv_traffic.generate.outcome import Outcome
from perfectcv_traffic.generate.own import own_ids_of
from perfectcv_traffic.generate.pace import Pacer
from perfectcv_traffic.generate.prepare import Loaded, load
from perfectcv_traffic.generate.probe.baseline import HappyPath
from perfectcv_traffic.generate.probe.budget import Budget, Interrupted, RunLimits, Stopped
from perfectcv_traffic.generate.probe.choices import (
    DEFAULT_ADMIN_PATH,
    DEFAULT_SLOW_SECONDS,
    RULES_OF,
    SUITES,
)
from perfectcv_traffic.generate.probe.drafting import Drafter
from perfectcv_traffic.generate.probe.exchange import Prober, Reply
from perfectcv_traffic.generate.probe.findings import Check, Finding, Ledger
from perfectcv_traffic.generate.probe.preview import Step, preview
from perfectcv_traffic.generate.probe.probing import NotTested, Probing
from perfectcv_traffic.generate.probe.watch import Watch
from perfectcv_traffic.generate.producers import Producers
from perfectcv_traffic.generate.send import Sender
from perfectcv_traffic.generate.session import Session
from perfectcv_traffic.generate.setup_sender import Setup
from perfectcv_traffic.generate.target import open_target


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeOptions:
    """What a probe run can be told beyond the options of every run."""

    suites: tuple[str, ...] = SUITES
    limits: RunLimits = field(default_factory=RunLimits)
    only: Only = field(default_factory=Only)
    is_thorough: bool = False
    """Send what is not essential too, however many requests that takes."""
    slow: float = DEFAULT_SLOW_SECONDS
    """Seconds from which an answer counts as slow."""
    admin_path: str = DEFAULT_ADMIN_PATH

    def __post_init__(self) -> None:
        unknown = sorted(set(self.suites) - set(SUITES))
        if unknown:
            raise UsageError(f"unknown suite {unknown[0]!r}; the suites are: {', '.join(SUITES)}")
        if not self.needed_suites:
            named = ", ".join(sorted(self.only.rules))
            raise UsageError(
                f"--only {named}: no suite of --suite tests that: leave one of them out"
            )
        if not self.slow > 0:
            raise UsageError(f"--slow {self.slow}: give seconds, more than 0")
        try:
            re.compile(self.admin_path)
        except re.error as error:
            raise UsageError(f"pattern {self.admin_path!r} cannot be used: {error}") from error

    @property
    def needed_suites(self) -> frozenset[str]:
        """The suites that test any of the rules that are looked for."""
        return frozenset(
            suite for suite in self.suites if any(map(self.only.looks_for, RULES_OF[suite]))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed(Session):
    """What a probe run found."""

    source: str
    """Where the document came from."""
    findings: tuple[Finding, ...]
    checks: tuple[Check, ...]
    not_tested: tuple[NotTested, ...]
    operations: tuple[Operation, ...]
    reached: frozenset[str]
    """Keys of the operations that answered 2xx to a valid request."""
    stopped: Stopped | None
    """What ended it early, if anything did."""

    @property
    def stop_reason(self) -> str | None:
        """The same in words."""
        return None if self.stopped is None else str(self.stopped)

    @property
    def is_interrupted(self) -> bool:
        """Ctrl-C ended it."""
        return isinstance(self.stopped, Interrupted)

    @property
    def is_complete(self) -> bool:
        """Whether every phase came to its end."""
        return self.stopped is None

    @property
    def requests(self) -> int:
        """Every request, the preparing ones included."""
        return len(self.outcomes) + len(self.setup_ids)

    @property
    def by_status(self) -> dict[str, int]:
        """Requests by status; those without an answer are under the reason."""
        counted = Counter(str(one.status or one.error) for one in self.outcomes)
        return dict(sorted(counted.items()))


def find(
    target: str,
    options: Options | None = None,
    probes: ProbeOptions | None = None,
    *,
    credentials: Credentials | None = None,
    on_outcome: Callable[[Outcome], None] | None = None,
) -> Probed:
    """Look for defects of the API at `target`; Ctrl-C returns what was found so far."""
    job = _Job(
        target,
        options or Options(),
        probes or ProbeOptions(),
        credentials or Credentials(),
        on_outcome,
    )
    return asyncio.run(job.perform())


def plan(
    target: str,
    options: Options | None = None,
    probes: ProbeOptions | None = None,
    *,
    credentials: Credentials | None = None,
) -> list[Step]:
    """What `find` would send; nothing is sent but the request for the document."""
    return asyncio.run(
        _plan(target, options or Options(), probes or ProbeOptions(), credentials or Credentials())
    )


async def _plan(
    address: str, options: Options, probes: ProbeOptions, credentials: Credentials
) -> list[Step]:
    target = open_target(address, options.allow_hosts)
    async with Sender(timeout=options.timeout) as sender:
        setup = Setup(sender=sender, run_id=new_run_id(), allow_hosts=options.allow_hosts)
        nobody = replace(credentials, password=None, login=None)
        loaded = await load(setup, target, options, nobody)
    operations = probes.only.narrowed(loaded.operations)
    drafter = Drafter(loaded.document, IdPool(Producers(operations)), options.seed)
    return list(preview(loaded.document, operations, credentials, drafter, probes.needed_suites))


@dataclass(frozen=True, slots=True)
class _Job:
    target: str
    options: Options
    probes: ProbeOptions
    credentials: Credentials
    on_outcome: Callable[[Outcome], None] | None

    async def perform(self) -> Probed:
        options = self.options
        target = open_target(self.target, options.allow_hosts)
        run_id = options.run_id or new_run_id()
        async with Sender(timeout=options.timeout) as sender:
            setup = Setup(sender=sender, run_id=run_id, allow_hosts=options.allow_hosts)
            loaded = await load(setup, target, options, self.credentials)
            loaded = replace(loaded, operations=self.probes.only.narrowed(loaded.operations))
            probing = self.probing(loaded, sender, run_id)
            try:
                await probing.perform()
            except asyncio.CancelledError:
                probing.stopped = Interrupted("interrupted")
        return self.result(loaded, probing, setup)

    def probing(self, loaded: Loaded, sender: Sender, run_id: str) -> Probing:
        ledger = Ledger(self.probes.only, self.probes.limits.max_findings)
        ids = IdPool(Producers(loaded.operations))
        ids.deletes_existing = self.options.selection.delete_existing
        ids.own |= own_ids_of(loaded.credentials.token)
        prober = Prober(
            sender=sender,
            base=loaded.base,
            run_id=run_id,
            budget=Budget(self.probes.limits),
            pacer=Pacer(max(self.options.delay, 1 / (self.options.rate or math.inf))),
            on_reply=self.watch(loaded, ledger),
            on_outcome=self.on_outcome,
        )
        drafter = Drafter(loaded.document, ids, self.options.seed)
        return Probing(
            document=loaded.document,
            operations=loaded.operations,
            credentials=loaded.credentials,
            prober=prober,
            ledger=ledger,
            happy_path=HappyPath(prober, drafter, ids, loaded.credentials),
            suites=self.probes.needed_suites,
            admin_path=self.probes.admin_path,
            slow=self.probes.slow,
            is_thorough=self.probes.is_thorough,
        )

    def watch(self, loaded: Loaded, ledger: Ledger) -> Callable[[Reply], None]:
        return Watch(loaded.document, ledger, self.probes.needed_suites).look_at

    def result(self, loaded: Loaded, probing: Probing, setup: Setup) -> Probed:
        baselines = probing.happy_path.baselines
        return Probed(
            run_id=probing.prober.run_id,
            target=loaded.base,
            seed=self.options.seed,
            source=loaded.document.source,
            findings=probing.ledger.findings(),
            checks=probing.ledger.checks(),
            not_tested=tuple(probing.not_tested),
            operations=loaded.operations,
            reached=frozenset(key for key, one in baselines.items() if one.is_good),
            left_out=loaded.left_out,
            outcomes=tuple(probing.prober.outcomes),
            setup_ids=tuple(setup.request_ids),
            stopped=probing.stopped,
            seconds=probing.seconds,
        )
