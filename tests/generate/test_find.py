"""Every class of defect is found wherever it is, and a correct API is not accused."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest

from perfectcv_traffic.generate.credentials import Credentials
from perfectcv_traffic.generate.find import Probed, ProbeOptions, find
from perfectcv_traffic.generate.options import Options
from perfectcv_traffic.generate.selection import Selection

Serve = Callable[[Any], contextlib.AbstractContextManager[str]]

EVERYTHING = Selection(allow_writes=True, allow_deletes=True)
MAX_REQUESTS = 600


def _load() -> ModuleType:
    path = Path(__file__).with_name("seeded.py")
    spec = importlib.util.spec_from_file_location("seeded_target", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # pydantic looks its annotations up there
    spec.loader.exec_module(module)
    return module


seeded = _load()


@pytest.fixture(scope="session")
def secrets() -> Credentials:
    return Credentials(
        token=seeded.token(),
        api_key=seeded.KEY,
        low_token=seeded.token(role="user"),
        jwt_secret=seeded.SECRET,
    )


def _find(serve: Serve, seed: int | None, secrets: Credentials) -> Probed:
    with serve(seeded.build(seed)) as url:
        return find(
            url,
            Options(selection=EVERYTHING, run_id="run"),
            ProbeOptions(slow=seeded.SLOW_SECONDS / 2),
            credentials=secrets,
        )


def _found(probed: Probed) -> set[tuple[str, str]]:
    return {(one.letter, f"{one.method} {one.path}") for one in probed.findings}


@pytest.mark.parametrize("seed", range(1, 5))
def test_every_seeded_defect_is_found_and_nothing_else(
    serve: Serve, secrets: Credentials, seed: int
) -> None:
    probed = _find(serve, seed, secrets)
    assert _found(probed) == seeded.expected(seed)
    assert probed.is_complete
    assert probed.requests <= MAX_REQUESTS


def test_correct_twin_has_no_finding(serve: Serve, secrets: Credentials) -> None:
    probed = _find(serve, None, secrets)
    assert probed.findings == ()
    assert probed.is_complete
    assert probed.requests <= MAX_REQUESTS
    assert {one.key for one in probed.operations} == probed.reached
    assert all(one.verdict == "passed" for one in probed.checks)


def test_findings_are_the_same_bytes_on_a_second_run(serve: Serve, secrets: Credentials) -> None:
    app = seeded.build(5)
    encoded = []
    with serve(app) as url:
        for _ in range(2):
            probed = find(url, Options(), credentials=secrets)
            encoded.append(msgspec.json.encode(probed.findings))
    assert encoded[0] == encoded[1]
    assert len(probed.findings) >= 3


def test_no_secret_is_in_the_result(serve: Serve, secrets: Credentials) -> None:
    probed = _find(serve, 3, secrets)
    text = repr(probed)
    assert all(
        str(secret) not in text
        for secret in (secrets.token, secrets.api_key, secrets.low_token, secrets.jwt_secret)
    )
    assert secrets.token is not None
    assert secrets.token.split(".")[1] not in text
