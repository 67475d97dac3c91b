"""The commands of docs/admin.md, run as they stand against the demo API after some traffic."""

from __future__ import annotations

import importlib.util
import json
import os
import random
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from perfectcv_traffic.demo.app import create_app

DOCS = Path(__file__).parents[2] / "docs"
TOKEN = "an-admin-token-for-tests"
REQUESTS = 400


def loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(name="walkthrough")
def _walkthrough(need: Any, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    need(
        "playwright", "PIL", *(Path(shutil.which(name) or name) for name in ("bash", "curl", "jq"))
    )
    monkeypatch.setitem(sys.modules, "console", loaded("console"))
    return loaded("walkthrough")


def test_documented_commands_print_what_the_page_says(serve: Any, walkthrough: Any) -> None:
    service = serve(create_app(latency=0), trusted_proxies=("127.0.0.1",))
    service.client.headers["Connection"] = "close"  # a server closes it after an exception
    choose = random.Random(5)
    for _ in range(REQUESTS):
        walkthrough.request_something(service.client, choose)
    service.ingest()
    console, environment = walkthrough.console, {**os.environ, "TOKEN": TOKEN}
    setup = walkthrough.SETUP.replace(f"http://127.0.0.1:{walkthrough.PORT}", service.address)
    assert setup != walkthrough.SETUP

    commands = [
        one for block in console.blocks(walkthrough.PAGE.read_text("utf-8")) for one in block
    ]
    assert len(commands) > 10
    for command, documented in commands[1:]:
        printed = console.run(setup, command, environment)
        assert printed, command
        assert shapes(printed) == shapes(documented), command


def shapes(text: str) -> Any:
    """The shapes of JSON values one after the other; of other lines only that there are some."""
    decoder, found = json.JSONDecoder(), []
    text = text.strip()
    try:
        while text:
            value, end = decoder.raw_decode(text)
            found.append(shape(value))
            text = text[end:].strip()
    except json.JSONDecodeError:
        return ["lines"]
    return found


def shape(value: Any) -> Any:
    """The names in a JSON value; any scalar may be null, and counts go by whatever there is."""
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    if not isinstance(value, dict):
        return "value"
    if all(isinstance(one, int) for one in value.values()):
        return "counts"
    return {name: shape(one) for name, one in value.items()}
