"""Everything a run needs before its first request, so that a plan can be shown without sending."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from perfectcv_traffic.errors import TargetError, UsageError
from perfectcv_traffic.generate.credentials import Credentials
from perfectcv_traffic.generate.load import load_document
from perfectcv_traffic.generate.login import log_in
from perfectcv_traffic.generate.openapi import Document
from perfectcv_traffic.generate.operations import LeftOut, Operation, parse_operations
from perfectcv_traffic.generate.options import Options
from perfectcv_traffic.generate.plan import Pair, Planned, draftable, pair_up, plan_requests
from perfectcv_traffic.generate.producers import Producers
from perfectcv_traffic.generate.scenarios import scenarios_named
from perfectcv_traffic.generate.selection import select
from perfectcv_traffic.generate.servers import base_url, served_here
from perfectcv_traffic.generate.setup_sender import Setup
from perfectcv_traffic.generate.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A document with what may be called of it, and the secrets to do so."""

    document: Document
    base: str
    credentials: Credentials
    operations: tuple[Operation, ...]
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A run that is ready to go."""

    document: Document
    base: str
    credentials: Credentials
    pairs: tuple[Pair, ...]
    left_out: tuple[LeftOut, ...]
    producers: Producers
    planned: int | None
    """How many requests; None while time is left."""

    def plan(self, seed: int) -> Iterator[Planned]:
        """The requests to send, the same for the same seed."""
        endless = plan_requests(self.document, self.pairs, self.producers, seed)
        return endless if self.planned is None else islice(endless, self.planned)


async def load(setup: Setup, target: Target, options: Options, credentials: Credentials) -> Loaded:
    """Load the document, choose operations, log in."""
    document = await load_document(setup, target, options.openapi)
    operations, broken = parse_operations(document)
    selected, unselected = select(operations, options.selection)
    selected, elsewhere = served_here(document, target, selected)
    selected, undraftable = draftable(document, selected)
    left_out = (*broken, *unselected, *elsewhere, *undraftable)
    base = base_url(document, target)
    secrets = await log_in(setup, document, base, credentials)
    if not selected:
        raise nothing_to_send(document, left_out)
    return Loaded(
        document=document,
        base=base,
        credentials=secrets,
        operations=selected,
        left_out=left_out,
    )


async def prepare(
    setup: Setup, target: Target, options: Options, credentials: Credentials
) -> Prepared:
    """Load the document, choose operations and scenarios, log in."""
    loaded = await load(setup, target, options, credentials)
    scenarios = scenarios_named(options.scenarios)
    pairs, unplayable = pair_up(loaded.operations, scenarios, credentials=loaded.credentials)
    left_out = (*loaded.left_out, *unplayable)
    pairs = _weighted(pairs, options.weights)
    if not pairs:
        raise nothing_to_send(loaded.document, left_out)
    return Prepared(
        document=loaded.document,
        base=loaded.base,
        credentials=loaded.credentials,
        pairs=pairs,
        left_out=left_out,
        producers=Producers(loaded.operations),
        planned=_planned(options, len(pairs)),
    )


def _weighted(pairs: Iterable[Pair], weights: Mapping[str, int]) -> tuple[Pair, ...]:
    return tuple(
        replace(pair, copy=copy) if copy else pair
        for pair in pairs
        for copy in range(weights.get(pair.scenario.name, 1))
    )


def _planned(options: Options, pairs: int) -> int | None:
    if options.requests is None:
        return pairs if options.seconds is None else None
    return options.requests


def nothing_to_send(document: Document, left_out: Sequence[LeftOut]) -> Exception:
    """The error for a document of which nothing may be sent."""
    if not left_out:
        return TargetError(
            f"{document.source} has no operation that a scenario applies to:"
            " give another document or other scenarios"
        )
    reasons = Counter(one.reason for one in left_out).most_common(3)
    listed = "; ".join(f"{reason} ({number})" for reason, number in reasons)
    if all(one.is_broken for one in left_out):
        return document.broken(f"every operation is left out: {listed}")
    return UsageError(
        f"{document.source}: every operation is left out: {listed}: allow some (--allow-writes,"
        " --allow-deletes, --include-risky)"
    )
