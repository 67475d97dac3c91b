from __future__ import annotations

import base64
import hashlib
import itertools
import re
from collections.abc import Callable
from datetime import UTC, datetime
from html.parser import HTMLParser

import pandas as pd
import pytest

from perfectcv_traffic.analysis.catalogue import ANALYSES
from perfectcv_traffic.render import palette
from perfectcv_traffic.render.html import render_report, swatch

Results = dict[str, pd.DataFrame]

PNG = b"\x89PNG not really"
MADE = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)


class Page(HTMLParser):
    """The tags of a page with their attributes, the headings, and the text outside of <style>."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] not in {"style", "script"}:
            self.texts.append(data)

    def names(self) -> list[str]:
        return [tag for tag, _ in self.tags]

    def all_of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def _page(results: Results, *, dark: bool = False) -> str:
    images = {"status_distribution": PNG}
    return render_report(
        results,
        images,
        dark_images=images if dark else None,
        generated_at=MADE,
        version="1.2.3",
    )


def test_page_has_a_section_for_each_analysis(ordinary: Results) -> None:
    headings = {attributes.get("id") for attributes in Page(_page(ordinary)).all_of("h2")}

    assert headings == {"attention"} | {a.name for a in ANALYSES if a.name != "findings"}


def test_page_links_lead_to_its_sections(ordinary: Results) -> None:
    page = Page(_page(ordinary))
    targets = {attributes.get("id") for _, attributes in page.tags}

    assert {str(link["href"])[1:] for link in page.all_of("a")} <= targets


def test_page_shows_the_numbers_of_the_results(ordinary: Results) -> None:
    text = " ".join(Page(_page(ordinary)).texts)

    assert f"{ordinary['totals']['requests'].iloc[0]:,} requests" in text
    assert "PT101 error" in text
    assert "Generated 2026-11-22 01:02:03 UTC by perfectcv-traffic 1.2.3" in text
    assert "2 log lines could not be read." in text


def test_page_has_one_first_heading_and_skips_no_level(any_results: Results) -> None:
    levels = [
        int(tag[1]) for tag in Page(_page(any_results)).names() if re.fullmatch("h[1-6]", tag)
    ]

    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_page_tables_are_captioned_and_scoped(ordinary: Results) -> None:
    page = Page(_page(ordinary))

    assert len(page.all_of("caption")) == len(page.all_of("table")) > 0
    assert {attributes.get("scope") for attributes in page.all_of("th")} == {"col", "row"}


def test_page_needs_nothing_from_elsewhere_and_nothing_else_runs(any_results: Results) -> None:
    page = Page(_page(any_results, dark=True))
    sources = [*page.all_of("img"), *page.all_of("source")]

    assert not {"link", "iframe", "object"} & set(page.names())
    assert page.all_of("script") == [{}]  # our own, by the hash in the policy
    assert all(str(one.get("src") or one.get("srcset")).startswith("data:") for one in sources)
    assert not any(
        name.startswith("on") or name == "style"
        for _, attributes in page.tags
        for name in attributes
    )


def test_page_policy_admits_its_own_style_and_script_only(ordinary: Results) -> None:
    page = _page(ordinary)
    (style,) = re.findall("<style>(.*?)</style>", page, re.DOTALL)
    (script,) = re.findall("<script>(.*?)</script>", page, re.DOTALL)
    digest, script_digest = (
        base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        for source in (style, script)
    )

    (policy,) = re.findall('Content-Security-Policy" content="([^"]*)"', page)
    assert policy.split("; ") == [
        "default-src 'none'",
        "img-src data:",
        f"style-src 'sha256-{digest}'",
        f"script-src 'sha256-{script_digest}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    assert "\r" not in style


def test_hostile_text_is_text_on_the_page(hostile: Results) -> None:
    page = _page(hostile)

    assert page.count("<script") == 1
    assert "/&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert r"/\x1b[31mred" in page
    assert not {"\x1b", "\x07", "\u202e", "\u200b", "\ud800"} & set(page)
    assert page.encode()


def test_long_names_are_cut_in_the_middle(hostile: Results) -> None:
    assert max(map(len, Page(_page(hostile)).texts)) < 1000


def test_page_of_nothing_says_so(empty: Results) -> None:
    page = Page(_page(empty))

    assert "Nothing was recorded." in page.texts
    assert page.all_of("img") == []


def test_page_without_findings_says_so(ordinary: Results) -> None:
    page = _page(ordinary | {"findings": ordinary["findings"].head(0)})

    assert "No findings in the recorded traffic." in page


def test_page_shows_the_dark_picture_on_a_dark_screen(ordinary: Results) -> None:
    (source,) = Page(_page(ordinary, dark=True)).all_of("source")

    assert source["media"] == "screen and (prefers-color-scheme: dark)"
    assert Page(_page(ordinary)).all_of("source") == []


def test_long_table_says_how_much_it_leaves_out(ordinary: Results) -> None:
    hours = pd.concat([ordinary["token_usage_by_hour"]] * 20, ignore_index=True)

    page = _page(ordinary | {"token_usage_by_hour": hours})

    assert f"The last 200 of {len(hours):,}." in page


def test_same_results_and_time_give_the_same_page(ordinary: Results) -> None:
    assert _page(ordinary) == _page(ordinary)


@pytest.mark.parametrize("label", [*palette.STATUS, *palette.PRESENCE])
def test_every_coloured_label_has_its_colour(label: str, ordinary: Results) -> None:
    assert f".{swatch(label)} {{ --swatch: #" in _page(ordinary)


def test_page_needs_no_chart_library(modules_after: Callable[[str], set[str]]) -> None:
    assert not {"matplotlib", "rich"} & modules_after("perfectcv_traffic.render.html")


def test_what_is_missing_is_named_and_nothing_else(ordinary: Results) -> None:
    sampled = ordinary["health"].assign(rejected=0, lost=0, kept_by_chance=7, stand_for=70.0)

    text = " ".join(Page(_page({**ordinary, "health": sampled})).texts)

    assert "Of the latest requests 7 are a sample that stands for 70." in text
    assert "could not be read" not in text.partition("Recorder health")[0]
    assert "recorder lost" not in text


def test_empty_table_says_what_it_means_that_it_is(ordinary: Results) -> None:
    text = " ".join(Page(_page(ordinary)).texts)

    assert "No OpenAPI document was given (--openapi), or nothing differs from it." in text
    assert "No earlier traffic was given to compare with (--compare)." in text


def test_what_filters_do_not_choose_says_so_where_there_are_any(ordinary: Results) -> None:
    chosen = render_report(ordinary, {}, generated_at=MADE, version="1", filters={"status": "5xx"})

    assert "Lines are those of all logs, whatever was chosen." in chosen
    assert "whatever was chosen" not in _page(ordinary)
