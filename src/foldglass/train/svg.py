"""Drawing for evaluation reports: one look, and SVG that is the same for the same numbers."""

import io
from typing import TYPE_CHECKING

from foldglass.views import figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {
    **figure.COLOURS,
    **{"own": "#0072B2", "coarse": "#56B4E9", "several": "#D55E00"},
    **{"pair": "#0072B2", "pair-distance": "#D55E00", "pooled": "#56B4E9", "pooled-distance": "#009E73"},
}
"""Colour-blind-safe (Okabe and Ito 2008), of a model's results by their keys; baselines are grey."""
WIDTH = 10.6


def colour_of(key: str) -> str:
    """Colour of a result; grey for a baseline."""
    return COLOURS.get(key, figure.GREY)


def legend_above(axes: "Axes", columns: int) -> None:
    """The legend on top of the axes, where it hides nothing."""
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1.0),
        ncols=columns,
        fontsize=9,
        handlelength=1.2,
        columnspacing=1.4,
        borderaxespad=0.2,
    )


def svg(drawn: "Figure") -> str:
    """The figure as text."""
    text = io.StringIO()
    drawn.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()
