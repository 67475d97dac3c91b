"""The dashboard in a real Chromium."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from perfectcv_traffic.store.ingest import ingest

TOKEN = "an-admin-token-for-tests"
CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
TOKEN_WORDS = {
    "absent": "no token",
    "valid": "valid token",
    "invalid": "invalid token",
    "unknown": "token of unknown validity",
}
EVIL = "/<img src=x onerror=alert(1)>"


@pytest.fixture(name="browser", scope="module")
def _browser(need: Any) -> Iterator[Any]:
    need(CHROMIUM, "playwright")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(name="followed")
def _followed(own_service: Any) -> Iterator[Any]:
    """The service with an ingester that follows its log."""
    stop = threading.Event()

    def follow() -> None:
        while not stop.wait(0.05):
            ingest([own_service.log], own_service.db)

    follower = threading.Thread(target=follow)
    follower.start()
    yield own_service
    stop.set()
    follower.join()


class Opened:
    """The page in a tab of its own, with everything that went wrong in it."""

    def __init__(self, page: Any, service: Any) -> None:
        self.page = page
        self.problems: list[str] = []
        self.requested: set[str] = set()
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", self._hear)
        page.on("dialog", lambda dialog: self.problems.append(dialog.message))
        page.on("request", lambda request: self.requested.add(request.url))
        page.goto(f"{service.address}/admin")

    def _hear(self, message: Any) -> None:
        if message.type == "error" and "status of 40" not in message.text:
            self.problems.append(message.text)

    def sign_in(self, token: str) -> None:
        self.page.get_by_role("textbox", name="Token").fill(token)
        self.page.keyboard.press("Enter")

    def number(self, name: str) -> int:
        return int(self.page.locator(f"#{name}").inner_text().replace(",", ""))


@pytest.fixture(name="opened")
def _opened(browser: Any, followed: Any) -> Iterator[Opened]:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    try:
        opened = Opened(context.new_page(), followed)
        yield opened
        assert opened.problems == []
        assert all(url.startswith((followed.address, "data:")) for url in opened.requested)
    finally:
        context.close()


def test_wrong_token_is_refused_and_not_kept(opened: Opened) -> None:
    opened.sign_in("wrong")
    opened.page.get_by_text("That is not the token.").wait_for()

    assert not opened.page.locator("#numbers").is_visible()
    assert opened.page.evaluate("sessionStorage.length") == 0


def test_right_token_shows_the_numbers_of_the_endpoints(opened: Opened, followed: Any) -> None:
    opened.sign_in(TOKEN)
    opened.page.locator("#failures button").first.wait_for()
    stats = followed.admin("request-stats")

    assert opened.number("total") == stats["total_requests"] == 12
    assert opened.number("errors") == stats["error_count"]
    assert opened.number("dropped") == stats["dropped_count"]
    for label, number in stats["by_status_code"].items():
        shown = opened.page.locator("#statuses li", has_text=label).first
        assert shown.locator("b").inner_text() == str(number)
    for label, number in stats["by_token_validity"].items():
        shown = opened.page.locator("#tokens li", has_text=TOKEN_WORDS[label]).first
        assert shown.locator("b").inner_text() == str(number)
    nulls = opened.page.locator("#nulls code").all_inner_texts()
    assert nulls == [spot["field_path"] for spot in followed.admin("live")["null_hot_spots"]]
    endpoints = opened.page.locator("#endpoints .path").all_inner_texts()
    assert endpoints == [endpoint["endpoint"] for endpoint in stats["top_endpoints"]]
    failed = followed.admin("request-logs", failed=True)["logs"]
    shown = opened.page.locator("#failures button").all_inner_texts()
    assert shown == [f"{log['method']} {log['path']}" for log in failed]
    assert opened.page.locator("#requests svg rect").count() > 1
    assert not any(TOKEN in url for url in opened.requested)


def test_request_made_while_the_page_is_open_appears(opened: Opened, followed: Any) -> None:
    opened.sign_in(TOKEN)
    opened.page.locator("#failures button").first.wait_for()
    followed.client.get("/while-it-was-open")

    opened.page.get_by_role("button", name="GET /while-it-was-open").wait_for()
    opened.page.locator("#total", has_text=re.compile("^13$")).wait_for()


def test_markup_in_a_path_is_text(opened: Opened, followed: Any) -> None:
    followed.client.get(EVIL, headers={"User-Agent": EVIL})
    followed.client.get("/items/x", params={EVIL: "null"})
    opened.sign_in(TOKEN)
    button = opened.page.get_by_role("button", name=f"GET {EVIL}", exact=True)
    button.wait_for()
    button.click()

    assert opened.page.locator("#detail-title").inner_text() == f"GET {EVIL}"
    assert EVIL in opened.page.locator("#detail-body").inner_text()
    assert opened.page.locator("img").count() == 0


def test_detail_shows_body_nulls_and_a_curl_command(opened: Opened, followed: Any) -> None:
    body = {"uuid": "it's nobody", "name": None}
    followed.client.get("/broken")
    followed.client.post("/auth/uuid?from=here", json=body, headers={"X-Trace": "abc"})
    opened.sign_in(TOKEN)
    button = opened.page.locator("#failures button").first
    opened.page.locator("#total", has_text="14").wait_for()
    button.press("Enter")  # by keyboard

    text = opened.page.locator("#detail-body").inner_text()
    assert "request: name (json_null, json_body)" in text
    assert f"curl -X 'POST' --globoff '{followed.address}/auth/uuid?from=here'" in text
    assert "-H 'x-trace: abc'" in text
    assert "it'\\''s" in text
    opened.page.keyboard.press("Escape")
    assert not opened.page.locator("#detail").is_visible()


def test_page_fits_a_phone_and_answers_to_the_keyboard(opened: Opened) -> None:
    opened.sign_in(TOKEN)
    opened.page.locator("#failures button").first.wait_for()

    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert opened.page.evaluate(overflow) == 0
    opened.page.locator("#requests svg").focus()
    opened.page.keyboard.press("End")
    assert re.match(
        r"\d\d:\d\d:\d\d \d+ requests", opened.page.locator("#requests-at").inner_text()
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_has_no_barrier(browser: Any, followed: Any, scheme: str, need: Any) -> None:
    need("axe_playwright_python")
    from axe_playwright_python.sync_playwright import Axe

    # axe is put into the page as a script, which the page's own policy would refuse.
    context = browser.new_context(color_scheme=scheme, bypass_csp=True)
    try:
        opened = Opened(context.new_page(), followed)
        assert barriers(Axe(), opened.page) == []
        opened.sign_in(TOKEN)
        opened.page.locator("#failures button").first.wait_for()
        assert barriers(Axe(), opened.page) == []
        opened.page.locator("#failures button").first.click()
        assert barriers(Axe(), opened.page) == []
    finally:
        context.close()


def barriers(axe: Any, page: Any) -> list[str]:
    found = axe.run(page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in found]


def test_token_survives_a_reload_and_ends_with_signing_out(opened: Opened) -> None:
    opened.sign_in(TOKEN)
    opened.page.locator("#failures button").first.wait_for()
    opened.page.reload()
    opened.page.locator("#failures button").first.wait_for()
    opened.page.get_by_role("button", name="Sign out").click()

    assert opened.page.get_by_role("textbox", name="Token").is_visible()
    assert opened.page.evaluate("sessionStorage.length + localStorage.length") == 0


def test_page_allows_only_its_own_script_and_style(service: Any) -> None:
    answer = service.client.get("/admin/")
    policy = answer.headers["content-security-policy"]

    assert answer.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in re.sub(r"http://www.w3.org/2000/svg", "", answer.text).replace("https", "")


def test_prefix_without_slash_leads_to_the_page(service: Any) -> None:
    answer = service.client.get("/admin")

    assert answer.status_code == 307
    assert answer.headers["location"] == "admin/"
