"""How every chart looks: one page, one style, one way to PNG bytes.

matplotlib's object API on the Agg canvas: no pyplot, no window system. The style is set for as long
as a chart is drawn and then taken back.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache

from matplotlib import font_manager, rcParams, style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Patch

from perfectcv_traffic.render.palette import Fill, Theme
from perfectcv_traffic.render.text import escape

INCHES = (10.0, 5.6)
DPI = 150
HATCH = "#5a2300"
"""Dark: a short bar must not vanish behind its hatch."""

_STYLE = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.labelpad": 8,
    "axes.labelsize": 10,
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.dpi": DPI,
    "font.family": ["DejaVu Sans"],
    "font.size": 10,
    "grid.linewidth": 0.6,
    "hatch.linewidth": 0.7,
    "legend.fontsize": 9.5,
    "legend.frameon": False,
    "legend.handlelength": 1.3,
    "legend.handleheight": 0.9,
    "text.parse_math": False,  # a $ in a path is a $
    "xtick.bottom": False,
    "xtick.labelsize": 9.5,
    "xtick.minor.bottom": False,
    "ytick.labelsize": 9.5,
    "ytick.left": False,
}

# For what the bundled DejaVu Sans cannot draw, where the system has it.
_FALLBACKS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Microsoft YaHei",
    "Malgun Gothic",
    "Nirmala UI",
    "PingFang SC",
    "Hiragino Sans GB",
    "Arial Unicode MS",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
)


def _colours(theme: Theme) -> dict[str, str]:
    return {
        "axes.edgecolor": theme.line,
        "axes.facecolor": theme.paper,
        "axes.labelcolor": theme.quiet,
        "figure.facecolor": theme.paper,
        "grid.color": theme.line,
        "text.color": theme.ink,
        "xtick.labelcolor": theme.quiet,
        "ytick.labelcolor": theme.ink,
    }


@contextmanager
def chart_style(theme: Theme) -> Iterator[None]:
    """The style, whatever the user's matplotlibrc says, for as long as the context lasts."""
    with style.context(_STYLE | _colours(theme), after_reset=True):
        yield


def page() -> tuple[Figure, Axes]:
    """An empty page with its plotting area; use it within `chart_style`."""
    room_below_title = (0, 0, 1, 0.87)
    layout = ConstrainedLayoutEngine(w_pad=0.2, h_pad=0.12, rect=room_below_title)
    figure = Figure(figsize=INCHES, layout=layout)
    FigureCanvasAgg(figure)
    return figure, figure.subplots()


def head(figure: Figure, title: str, subtitle: str) -> None:
    """Title and subtitle, at the left edge of the page."""
    figure.text(0.02, 0.945, title, fontsize=15, fontweight="bold", va="center")
    quiet = rcParams["axes.labelcolor"]
    figure.text(0.02, 0.893, subtitle, fontsize=10.5, color=quiet, va="center")


def corner(figure: Figure, text: str) -> None:
    """Write in the upper right corner, beside the title."""
    (drawn,), families = drawable([text])
    quiet = rcParams["axes.labelcolor"]
    place = {"fontsize": 9, "color": quiet, "va": "center", "ha": "right"}
    figure.text(0.98, 0.945, drawn, fontfamily=families, **place)


def legend(figure: Figure, fills: Mapping[str, Fill]) -> None:
    """A key to the fills, below the plot."""
    patches = [filled(label, fill) for label, fill in fills.items()]
    figure.legend(handles=patches, loc="outside lower left", ncols=len(patches), borderaxespad=1)


def filled(label: str, fill: Fill) -> Patch:
    """A sample of a fill."""
    return Patch(facecolor=fill.colour, hatch=fill.hatch, edgecolor=HATCH, linewidth=0, label=label)


def no_data(axes: Axes) -> None:
    """Say that there is nothing to draw."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, "No data", transform=axes.transAxes, ha="center", fontsize=16)


def png(figure: Figure) -> bytes:
    """The figure as a PNG; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def drawable(texts: Iterable[str]) -> tuple[list[str], list[str]]:
    """The texts, and the font families that draw them; what no font has becomes an escape."""
    texts = list(texts)
    missing = {ord(char) for text in texts for char in text} - _characters("DejaVu Sans")
    families = ["DejaVu Sans"]
    for family in _FALLBACKS:
        if missing & _characters(family):
            families.append(family)
            missing -= _characters(family)
    table = {code: escape(chr(code)) for code in missing - {ord("\n")}}
    return [text.translate(table) for text in texts], families


@cache
def _characters(family: str) -> frozenset[int]:
    """Code points that an installed font family can draw; none if it is not installed."""
    properties = font_manager.FontProperties(family=[family])
    try:
        path = font_manager.findfont(properties, fallback_to_default=False)
    except ValueError:
        return frozenset()
    return frozenset(FT2Font(path).get_charmap())
