"""Lines for a person: broken at words on a terminal, whole for a program."""

from __future__ import annotations

import io

import pytest

from perfectcv_traffic.cli.wrapping import wrapped


class Screen(io.StringIO):
    """Text that goes to a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "12")


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("short", ["short"]),
        ("one two three four", ["one two", "  three four"]),
        ("  one two three", ["  one two", "    three"]),
        ("/a/path/that/is/too/long is", ["/a/path/that/is/too/long", "  is"]),
        ("一二三 四五六", ["一二三", "  四五六"]),
        ("aaa\n\nbbb", ["aaa", "", "bbb"]),
    ],
)
def test_line_is_broken_at_words_on_a_terminal(text: str, lines: list[str]) -> None:
    assert wrapped(text, Screen()).split("\n") == lines


def test_line_for_a_program_is_whole() -> None:
    assert wrapped("one two three four", io.StringIO()) == "one two three four"


def test_what_is_carried_over_stands_below_its_column() -> None:
    assert wrapped("name  one two", Screen(), indent=6) == "name  one\n      two"
