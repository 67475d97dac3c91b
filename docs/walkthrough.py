"""Make the pictures of the documentation and the answers in docs/admin.md, from real traffic.

Needs playwright, Chromium at /usr/bin/chromium, curl and jq. The dashboard takes five minutes, so
that it has something to show; `--report` makes the picture of the report alone.
"""

from __future__ import annotations

import argparse
import io
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import console
import httpx
import uvicorn
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from perfectcv_traffic import setup_monitoring
from perfectcv_traffic.demo.app import create_app
from perfectcv_traffic.demo.security import issue_token
from perfectcv_traffic.demo.state import DEMO_API_KEY

PAGE = Path(__file__).with_name("admin.md")
IMAGES = PAGE.parent / "images"
SETUP = next(console.blocks(PAGE.read_text("utf-8")))[0][0]
"""The page's own first command, by which the others ask."""
TOKEN = "walkthrough-admin-token"
PORT = 8765
SECONDS = 310
CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
TOKENS = [issue_token(user) for user in range(1, 6)]


@contextmanager
def served(folder: Path) -> Iterator[httpx.Client]:
    """The demo API with its admin endpoints and its ingester, until the end of the context."""
    app = create_app(latency=0.3)
    log, db = folder / "api_traffic.log", folder / "traffic_monitor.db"
    monitor = setup_monitoring(
        app, log=log, db=db, admin_token=TOKEN, trusted_proxies=("127.0.0.1",)
    )
    server = uvicorn.Server(uvicorn.Config(app, port=PORT, log_level="critical"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    with httpx.Client(base_url=f"http://127.0.0.1:{PORT}", timeout=30) as client:
        yield client
    server.should_exit = True
    thread.join()
    monitor.close()


def request_something(client: httpx.Client, choose: random.Random) -> None:
    """One request such as the demo's users send."""
    user = choose.choice(range(len(TOKENS)))
    good = {"Authorization": f"Bearer {TOKENS[user]}"}
    key = {"X-API-Key": DEMO_API_KEY}
    bad = {"Authorization": "Bearer not-a-valid-session-token"}
    login = {"email": "nobody@example.com", "password": "guessed"}
    api = "/api/v1"
    kinds: list[tuple[float, str, str, dict[str, Any]]] = [
        (20, "GET", "/cache", {"params": {"team": "Leeds", "season": "2024-25"}, "headers": key}),
        (0.4, "GET", "/cache", {"params": {"team": "Leeds", "season": "null"}, "headers": key}),
        (22, "GET", f"{api}/resumes/", {"headers": good}),
        (14, "GET", f"{api}/job-descriptions/", {"headers": good}),
        (10, "GET", f"{api}/job-descriptions/{choose.randint(1, 5)}", {"headers": good}),
        (9, "GET", f"{api}/auth/me", {"headers": good}),
        (2, "GET", f"{api}/auth/me", {"headers": bad}),
        (2, "GET", f"{api}/resumes/", {}),
        (8, "GET", f"{api}/career-tools/market-trends", {"headers": good}),
        (0.6, "POST", f"{api}/career-tools/cover-letter",
         {"headers": good, "json": {"resume_id": 1, "job_id": 1, "tone": None}}),
        (3, "POST", "/auth/uuid", {"json": {"uuid": "0b5f4a3e-6a53-4f0e-9a5b-0d8f7f6f2f11"}}),
        (0.5, "POST", "/auth/uuid", {"json": {"uuid": "not-a-formal-uuid"}}),
        (1, "POST", f"{api}/auth/login", {"data": {"username": login["email"], **login}}),
        (0.5, "GET", "/wp-login.php", {}),
    ]  # fmt: skip
    _, method, path, rest = choose.choices(kinds, [kind[0] for kind in kinds])[0]
    address = f"203.0.113.{10 + user}"
    rest["headers"] = {**rest.get("headers", {}), "X-Forwarded-For": address}
    client.request(method, path, **rest)


def picture(page: Page, name: str) -> None:
    """Keep what the page shows as a small PNG of 128 colours."""
    shot = Image.open(io.BytesIO(page.screenshot(full_page=name == "dashboard-light")))
    shot.convert("RGB").quantize(128).save(IMAGES / f"{name}.png", optimize=True)


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser without a window, until the end of the context."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


def report_picture(folder: Path) -> None:
    """The beginning of the report of a first run on the demo API."""
    subprocess.run(
        [sys.executable, "-m", "perfectcv_traffic", "run"],
        cwd=folder, stdout=subprocess.DEVNULL, check=True,
    )  # fmt: skip
    with browser() as opened:
        page = opened.new_page(viewport={"width": 1120, "height": 1560}, color_scheme="light")
        page.goto((folder / "analysis_output" / "report.html").as_uri())
        picture(page, "report")


def pictures(address: str) -> None:
    """The dashboard in light, in dark with one request open, and on a phone."""
    looks = [
        ("dashboard-light", "light", 1180, 900),
        ("dashboard-dark", "dark", 1180, 900),
        ("dashboard-phone", "light", 390, 1500),
    ]
    with browser() as opened:
        for name, scheme, width, height in looks:
            size: Any = {"width": width, "height": height}
            page = opened.new_page(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]
            page.goto(f"{address}/admin/")
            page.fill("#token", TOKEN)
            page.keyboard.press("Enter")
            page.wait_for_selector("#failures button")
            page.wait_for_timeout(5000)
            if scheme == "dark":
                row = page.locator("#failures tr", has_text="500").first
                row.locator("button").click(timeout=60_000)
                page.wait_for_selector("dialog[open]")
            picture(page, name)
            page.close()


def dashboard(folder: Path) -> None:
    """Drive the demo, keep the pictures, run what the page says and write down the answers."""
    choose = random.Random(5)
    with served(folder) as client:
        end = time.monotonic() + SECONDS
        looking = threading.Timer(SECONDS - 30, pictures, [str(client.base_url).rstrip("/")])
        looking.start()
        while time.monotonic() < end or looking.is_alive():
            request_something(client, choose)
            time.sleep(choose.expovariate(10))
        environment = {**os.environ, "TOKEN": TOKEN}
        console.renew(PAGE, lambda command: console.run(SETUP, command, environment))


def main() -> None:
    """Make the report's picture and, unless it alone is wanted, the dashboard's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--report", action="store_true", help="the picture of the report alone")
    only_report = parser.parse_args().report
    IMAGES.mkdir(exist_ok=True)
    for make in (report_picture,) if only_report else (report_picture, dashboard):
        with tempfile.TemporaryDirectory() as folder:
            make(Path(folder))


if __name__ == "__main__":
    main()
