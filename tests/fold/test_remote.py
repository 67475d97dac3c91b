"""Logs in an S3-compatible store on this machine, read through fsspec by several processes."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from perfectcv_traffic.errors import ExitCode, StorageError, UsageError
from perfectcv_traffic.fold import files

from .conftest import Expected

if not os.environ.get("CI"):
    pytest.importorskip("s3fs", reason="pip install s3fs")
    pytest.importorskip("moto.server", reason="pip install 'moto[server]'")

SECONDS = 180
KEYS = {
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    """The address of a store with a bucket."""
    server = importlib.import_module("moto.server").ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        httpx.put(f"http://{host}:{port}/fleet").raise_for_status()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def analyze(*words: str, **environment: str) -> dict[str, Any]:
    done = said(*words, **environment)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    del found["generated_at"]
    return found


def said(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "perfectcv_traffic", "analyze", "--json", "--no-charts", *words],
        capture_output=True,
        text=True,
        env=os.environ | KEYS | environment,
        timeout=SECONDS,
        check=False,
    )


def test_logs_in_a_bucket_give_what_the_same_logs_here_give(
    store: str, logs: tuple[list[str], Expected]
) -> None:
    names, expected = logs
    for name in names:
        path = Path(name)
        httpx.put(f"{store}/fleet/web-1/{path.name}", content=path.read_bytes()).raise_for_status()
    remote = analyze("s3://fleet/web-1/*", "--jobs", "2", AWS_ENDPOINT_URL=store)
    assert remote == analyze(*names)
    assert remote["data"]["requests"] == expected.recorded


def test_url_that_nothing_can_open_is_named() -> None:
    with pytest.raises(UsageError, match=r"nosuch://host/a\.log"):
        files.found(["nosuch://host/a.log"])


def test_file_that_is_not_at_a_url_is_named(tmp_path: Path) -> None:
    for name in ("absent.log", "*.absent"):
        with pytest.raises(StorageError, match=r"file://.*absent"):
            files.found([f"file://{tmp_path.as_posix()}/{name}"])


def test_store_that_refuses_the_credentials_is_named_in_one_line(store: str) -> None:
    httpx.post(f"{store}/moto-api/reset-auth", content=b"0").raise_for_status()
    try:
        done = said("s3://fleet/secret.log", AWS_ENDPOINT_URL=store)
    finally:
        httpx.post(f"{store}/moto-api/reset-auth", content=b"inf").raise_for_status()
    assert done.returncode == ExitCode.STORAGE
    assert "log s3://fleet/secret.log cannot be read: PermissionError" in done.stderr
    assert "give s3fs valid credentials" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_url_whose_package_is_missing_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(UsageError, match=r"gs://bucket/a\.log .* pip install 'gcsfs'"):
        files.found(["gs://bucket/a.log"])
