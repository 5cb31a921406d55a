"""The look that all figures share."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from foldglass.errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = {"sequence": "#0072B2", "structure": "#D55E00", "mixed": "#009E73"}
"""Colour-blind-safe (Okabe and Ito 2008); baselines are grey."""
GREY = "#8a929b"
INK = "#1a1d21"

_STYLE = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#5b636d",
    "axes.linewidth": 0.8,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "svg.hashsalt": "foldglass",
}


@contextmanager
def new_figure(width: float, height: float) -> Iterator["Figure"]:
    """A figure of a size in inches, drawn in the shared style.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    """
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise MissingExtraError("figure", package="matplotlib", extra="train") from error
    with matplotlib.rc_context(_STYLE):  # type: ignore[arg-type]
        yield Figure(figsize=(width, height), layout="constrained")
