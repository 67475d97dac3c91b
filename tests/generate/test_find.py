"""Every class of defect is found wherever it is, and a correct API is not accused."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

import msgspec
import pytest

from perfectcv_traffic.generate.credentials import Credentials
from perfectcv_traffic.generate.find import Probed, ProbeOptions, find
from perfectcv_traffic.generate.options import Options
from perfectcv_traffic.generate.selection import Selection

Serve = Callable[[Any], contextlib.AbstractContextManager[str]]
Probe = Callable[[int | None], Probed]

EVERYTHING = Selection(allow_writes=True, allow_deletes=True)
MAX_REQUESTS = 600


@pytest.fixture(scope="session")
def seeded(load_target: Callable[[str], ModuleType]) -> ModuleType:
    return load_target("seeded")


@pytest.fixture(scope="session")
def secrets(seeded: ModuleType) -> Credentials:
    return Credentials(
        token=seeded.token(),
        api_key=seeded.KEY,
        low_token=seeded.token(role="user"),
        jwt_secret=seeded.SECRET,
    )


@pytest.fixture
def probe(serve: Serve, seeded: ModuleType, secrets: Credentials) -> Probe:
    """What is found at the application of a seed; None for the correct one."""

    def probing(seed: int | None) -> Probed:
        with serve(seeded.build(seed)) as url:
            return find(
                url,
                Options(selection=EVERYTHING, run_id="run"),
                ProbeOptions(slow=seeded.SLOW_SECONDS / 2),
                credentials=secrets,
            )

    return probing


def _found(probed: Probed) -> set[tuple[str, str]]:
    return {(one.letter, f"{one.method} {one.path}") for one in probed.findings}


@pytest.mark.parametrize("seed", range(1, 5))
def test_every_seeded_defect_is_found_and_nothing_else(
    probe: Probe, seeded: ModuleType, seed: int
) -> None:
    probed = probe(seed)
    assert _found(probed) == seeded.expected(seed)
    assert probed.is_complete
    assert probed.requests <= MAX_REQUESTS


def test_correct_twin_has_no_finding(probe: Probe) -> None:
    probed = probe(None)
    assert probed.findings == ()
    assert probed.is_complete
    assert probed.requests <= MAX_REQUESTS
    assert {one.key for one in probed.operations} == probed.reached
    assert all(one.verdict == "passed" for one in probed.checks)


def test_findings_are_the_same_bytes_on_a_second_run(
    serve: Serve, seeded: ModuleType, secrets: Credentials
) -> None:
    app = seeded.build(5)
    encoded = []
    with serve(app) as url:
        for _ in range(2):
            probed = find(url, Options(), credentials=secrets)
            encoded.append(msgspec.json.encode(probed.findings))
    assert encoded[0] == encoded[1]
    assert len(probed.findings) >= 3


def test_no_secret_is_in_the_result(probe: Probe, secrets: Credentials) -> None:
    probed = probe(3)
    text = repr(probed)
    assert all(
        str(secret) not in text
        for secret in (secrets.token, secrets.api_key, secrets.low_token, secrets.jwt_secret)
    )
    assert secrets.token is not None
    assert secrets.token.split(".")[1] not in text
