from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfectcv_traffic.render.text import ELLIPSIS, cut_middle, fold, visible, width


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("/users/{id}", "/users/{id}", id="plain"),
        pytest.param("/用户/مستخدم", "/用户/مستخدم", id="other scripts stay"),
        pytest.param("a\x1b[31mb", r"a\x1b[31mb", id="colour"),
        pytest.param("a\r\nb\tc", r"a\r\nb\tc", id="line ends and tab"),
        pytest.param("a\x9bb\x00", r"a\x9bb\x00", id="c1 and null"),
        pytest.param("a\u202eb\u2066", r"a\u202eb\u2066", id="bidi overrides"),
        pytest.param("a\u200bb\ufeff", r"a\u200bb\ufeff", id="zero width"),
        pytest.param("a\u2028b", r"a\u2028b", id="line separator"),
        pytest.param("a\ud800b", r"a\ud800b", id="lone surrogate"),
        pytest.param("a\U000f0000", r"a\U000f0000", id="private use"),
    ],
)
def test_visible_escapes_what_acts_and_leaves_what_reads(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text())
def test_visible_text_is_printable_and_stays_so(text: str) -> None:
    assert visible(text).isprintable()
    assert visible(visible(text)) == visible(text)


def test_cut_middle_keeps_both_ends() -> None:
    assert cut_middle("/api/v1/organisations/names", 11) == f"/api/{ELLIPSIS}names"
    assert cut_middle("short", 11) == "short"


@given(st.text(), st.integers(0, 30))
def test_cut_middle_never_takes_more_than_it_may(text: str, cells: int) -> None:
    assert width(cut_middle(text, cells)) <= cells


def test_wide_characters_take_two_cells() -> None:
    assert width("用户") == 4
    assert cut_middle("用户用户用户", 5) == f"用{ELLIPSIS}户"


def test_fold_breaks_at_a_slash_where_the_rest_fits() -> None:
    assert fold("/organisations/{id}/members", 20, lines=2) == "/organisations/{id}\n/members"


def test_fold_breaks_anywhere_rather_than_lose_text() -> None:
    assert fold("/a/bcdefghijklmnopqrst", 12, lines=2) == "/a/bcdefghij\nklmnopqrst"


def test_fold_cuts_what_two_lines_cannot_hold() -> None:
    assert fold("x" * 100, 10, lines=2) == f"{'x' * 10}\nxxxxx{ELLIPSIS}xxxx"


@given(st.text(st.characters(exclude_characters="\n")), st.integers(2, 30), st.integers(1, 3))
def test_fold_never_takes_more_than_it_may(text: str, cells: int, lines: int) -> None:
    folded = fold(text, cells, lines).split("\n")

    assert len(folded) <= lines
    assert all(width(line) <= cells for line in folded)
