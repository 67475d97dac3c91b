"""Colours and their order, once for terminal, page and charts.

The hues of Okabe and Ito, which colour-blind readers can tell apart; where a colour carries a
meaning, a hatch or a label beside it says the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from perfectcv_traffic.analysis.labels import (
    NO_RESPONSE,
    NOT_RECORDED,
    OTHER,
    WITH_TOKEN,
    WITHOUT_TOKEN,
)

BLUE = "#0072b2"
SKY = "#56b4e9"
ORANGE = "#e69f00"
VERMILLION = "#d55e00"
PURPLE = "#cc79a7"
GREY = "#b4b9c1"
SLATE = "#6b7280"


class Theme(NamedTuple):
    """What is not data: paper, and what is written and ruled on it. Page and charts share it."""

    paper: str
    panel: str
    ink: str
    quiet: str
    line: str
    link: str


LIGHT = Theme("#ffffff", "#f5f7f9", "#1f2933", "#566370", "#d5dae1", "#005f96")
DARK = Theme("#14181d", "#1d232a", "#e4e8ec", "#a3adb8", "#39424d", "#7cc4ee")


class Fill(NamedTuple):
    """A colour and, for those too close in brightness to their neighbours, a hatch."""

    colour: str
    hatch: str = ""


STATUS: Mapping[str, Fill] = {
    "1xx": Fill(PURPLE),
    "2xx": Fill(BLUE),
    "3xx": Fill(SKY),
    "4xx": Fill(ORANGE),
    "5xx": Fill(VERMILLION, "///"),
    OTHER: Fill(GREY),
    NO_RESPONSE: Fill(SLATE),
}

PRESENCE: Mapping[str, Fill] = {
    WITH_TOKEN: Fill(BLUE),
    WITHOUT_TOKEN: Fill(ORANGE),
    NOT_RECORDED: Fill(GREY),
}

SEVERITY: Mapping[str, str] = {"error": VERMILLION, "warning": ORANGE, "note": SKY}

STATUS_MEANING: Mapping[str, str] = {
    "1xx": "informational",
    "2xx": "success",
    "3xx": "redirect",
    "4xx": "client error",
    "5xx": "server error",
    OTHER: "other",
    NO_RESPONSE: "no response",
}
