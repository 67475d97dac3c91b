"""The requests of a traffic run, made and not sent: `$NAME` stands where a secret would be."""

from __future__ import annotations

import asyncio
import base64
import re
from dataclasses import replace
from typing import Final

from perfectcv_traffic.generate.credential_variants import present
from perfectcv_traffic.generate.credentials import BASIC_VARIABLE, Credentials
from perfectcv_traffic.generate.encoding import WireRequest, encode
from perfectcv_traffic.generate.marks import new_run_id
from perfectcv_traffic.generate.options import Options
from perfectcv_traffic.generate.plan import Planned
from perfectcv_traffic.generate.prepare import Prepared, prepare
from perfectcv_traffic.generate.probe.preview import Step
from perfectcv_traffic.generate.send import Sender
from perfectcv_traffic.generate.setup_sender import Setup
from perfectcv_traffic.generate.target import open_target
from perfectcv_traffic.record import SCENARIO_HEADER

_USER: Final = "user"
_ENCODED: Final = re.compile(r"%24(?=[A-Z_])")


def steps(target: str, options: Options, credentials: Credentials) -> list[Step]:
    """The same by scenario; a place in it is where the request differs from a valid one."""
    prepared = asyncio.run(_prepared(target, options, _placeholders(credentials)))
    return [_step(one) for one in prepared.plan(options.seed)]


def outline(target: str, options: Options, credentials: Credentials) -> list[WireRequest]:
    """What a run would send; nothing is sent but the request for the document."""
    prepared = asyncio.run(_prepared(target, options, _placeholders(credentials)))
    return [_request(prepared, one) for one in prepared.plan(options.seed)]


async def _prepared(address: str, options: Options, credentials: Credentials) -> Prepared:
    target = open_target(address, options.allow_hosts)
    # A plan has an end: for how long it would be sent says not how much that is.
    options = replace(options, duration=None, stages=())
    async with Sender(timeout=options.timeout) as sender:
        setup = Setup(sender=sender, run_id=new_run_id(), allow_hosts=options.allow_hosts)
        return await prepare(setup, target, options, credentials)


def _step(planned: Planned) -> Step:
    operation, scenario = planned.draft.operation, planned.scenario
    case = f"{scenario.meaning}: {planned.pointer}" if planned.pointer else scenario.meaning
    return Step(method=operation.method, path=operation.path, scenario=scenario.name, case=case)


def _placeholders(credentials: Credentials) -> Credentials:
    """The name of its variable in place of each secret; so no login is tried either."""
    return replace(
        credentials,
        token="$" + credentials.variable("token"),
        api_key="$" + credentials.variable("api_key"),
        username=_USER,
        password="$" + credentials.variable("password"),
        by_scheme={name: "$" + credentials.variable(name) for name in credentials.by_scheme},
        expired_token=credentials.expired_token and "$" + credentials.variable("expired_token"),
        low_token=credentials.low_token and "$" + credentials.variable("low_token"),
        jwt_secret=None,
        login=None,
    )


def _request(prepared: Prepared, planned: Planned) -> WireRequest:
    scenario, credentials = planned.scenario, prepared.credentials
    request = encode(
        planned.draft,
        base=prepared.base,
        ids={},
        presented=present(
            scenario.credential,
            planned.draft.operation,
            credentials,
            str(planned.number),
            turn=planned.number,
        ),
        marks={SCENARIO_HEADER: scenario.name},
    )
    pair = base64.b64encode(f"{_USER}:{credentials.password}".encode()).decode("ascii")
    headers = {
        name: value.replace(pair, "$" + BASIC_VARIABLE) for name, value in request.headers.items()
    }
    return replace(request, headers=headers, url=_ENCODED.sub("$", request.url))
