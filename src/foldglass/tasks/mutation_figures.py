"""Figures of mutations: a heat map of a scan, lines along the chain, and what two structures differ in."""

from collections.abc import Sequence as List
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from jaxtyping import Float

from foldglass.errors import InputError, UsageError
from foldglass.io.atomic import replacing
from foldglass.protein import Sequence, Structure
from foldglass.tasks.mutation import Effect, StructuralChange, distance_difference
from foldglass.typing import PathLike
from foldglass.views.figure import COLOURS, GREY, INK, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".svg", ".png", ".pdf")
ORDER = "GAVLIMCPFYWHKRQNEDST"
"""Rows of a heat map, alike residues together."""
MOST_LINES = 8
"""Mutations in one line plot."""
_PER_ROW = 100
_WIDTH = 10.6
_LABELLED = 10


def check_figure_path(path: PathLike) -> None:
    """Raise if the extension is none of `SUFFIXES`.

    Examples
    --------
    >>> check_figure_path("scan.gif")
    Traceback (most recent call last):
        ...
    foldglass.errors.UsageError: scan.gif: the extension '.gif'; expected .svg, .png or .pdf
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(str(path), got=f"the extension {suffix!r}", expected=".svg, .png or .pdf")


def draw_scan(
    path: PathLike,
    wild: Sequence,
    values: Float[np.ndarray, "L 20"],
    *,
    what: Literal["embedding shift", "log-odds"] = "embedding shift",
) -> None:
    """Draw a number of every substitution: residues of the chain against the new residue.

    Parameters
    ----------
    path
        An .svg, .png or .pdf file, whole or absent.
    values
        In the order of `ORDER`; NaN where nothing was computed. Rows without any value are left out of the figure.
    what
        What they are. Log-odds have two colours, the shift, which begins at 0, has one.

    Raises
    ------
    InputError
        If there is no value at all.
    """
    shown = np.flatnonzero(~np.isnan(values).all(axis=1))
    if not len(shown):
        raise InputError(str(path), got=f"no {what} of any substitution", expected="one at least")
    blocks = [shown[k : k + _PER_ROW] for k in range(0, len(shown), _PER_ROW)]
    highest = float(np.nanmax(np.abs(values), initial=1e-6))
    lowest, colours = (0.0, "magma_r") if what == "embedding shift" else (-highest, "RdBu")
    widest = max(map(len, blocks))
    with new_figure(max(4.5, 1.6 + 0.09 * widest), 2.9 * len(blocks) + 0.4) as figure:
        panels = figure.subplots(len(blocks), 1, squeeze=False)[:, 0]
        for axes, block in zip(panels, blocks, strict=True):
            image = axes.imshow(
                values[block].T, cmap=colours, vmin=lowest, vmax=highest, aspect="auto", interpolation="nearest"
            )
            own = [(x, ORDER.index(wild.letters[i])) for x, i in enumerate(block) if wild.letters[i] in ORDER]
            axes.scatter(*zip(*own, strict=True), s=4, color=GREY, linewidths=0)
            axes.set_xlim(-0.5, widest - 0.5)
            axes.set_yticks(range(len(ORDER)), list(ORDER), fontsize=6.5)
            axes.tick_params(axis="y", length=0)
            at = {i: x for x, i in enumerate(block.tolist())}
            ticks = [(at[i], label) for i, label in zip(*_ticks(wild, _LABELLED), strict=True) if i in at]
            axes.set_xticks([x for x, _ in ticks], [label for _, label in ticks], fontsize=8)
            for side in ("left", "bottom"):
                axes.spines[side].set_visible(False)
            axes.set_ylabel("new residue")
        panels[0].set_title(f"{wild.id}: {what} (dots: wild type)")
        panels[-1].set_xlabel("residue")
        figure.colorbar(image, ax=panels, label=what, shrink=1 / len(blocks), aspect=14, pad=0.015)
        _save(figure, path)


def draw_effects(path: PathLike, effects: List[Effect]) -> None:
    """Draw the predicted local score and the change along the chain, one row of panels per mutation, sites marked.

    Where there are two structures, the measured local score stands beside the predicted, and below come the
    superposition, the wild type's distances and their differences, after figure 1 of the GLASS paper.

    Raises
    ------
    UsageError
        If there are more than `MOST_LINES` mutations.
    """
    if len(effects) > MOST_LINES:
        raise UsageError(
            str(path),
            got=f"{len(effects)} mutations in one figure",
            expected=f"at most {MOST_LINES}",
            remedy="or --scan",
        )
    heights = [h for effect in effects for h in ([3.6] + ([3.4] if effect.measured else []))]
    with new_figure(_WIDTH, sum(heights) + 0.2) as figure:
        rows = iter(figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0])
        for effect in effects:
            local, change = next(rows).subplots(2, 1, sharex=True, height_ratios=[5, 4])
            _local_panel(local, effect)
            _change_panel(change, effect)
            if effect.measured:
                _structure_panels(next(rows).subplots(1, 3), effect, effect.measured)
        _save(figure, path)


def _local_panel(axes: "Axes", effect: Effect) -> None:
    place = np.arange(len(effect.wild))
    _mark(axes, effect)
    axes.plot(
        place, effect.comparison.lddt, color=COLOURS[effect.kind], linewidth=1.2, label=f"predicted from {effect.kind}"
    )
    if effect.measured:
        axes.plot(place, effect.measured.lddt_glass, color=INK, linewidth=1.0, label="measured")
    shown = [effect.comparison.lddt, *([effect.measured.lddt_glass] if effect.measured else [])]
    lowest = min(float(np.nanmin(score)) for score in shown)
    axes.set(ylabel="local score\n(glass lDDT)", title=f"{effect.wild.id}  {effect.variant.name}")
    axes.set_ylim(min(0.9, lowest - 0.02), 1.01)
    axes.legend(loc="lower right", fontsize=8, ncols=3)
    axes.set_xlim(-0.5, len(effect.wild) - 0.5)


def _change_panel(axes: "Axes", effect: Effect) -> None:
    _mark(axes, effect)
    place = np.arange(len(effect.wild))
    axes.fill_between(place, effect.change, step="mid", color=COLOURS[effect.kind], linewidth=0)
    axes.set(ylabel="change\n(1 - cosine)", xlabel="residue")
    axes.set_ylim(bottom=0)
    axes.set_xticks(*_ticks(effect.wild, _step(len(effect.wild))))


def _mark(axes: "Axes", effect: Effect) -> None:
    for k, site in enumerate(np.flatnonzero(effect.sites).tolist()):
        axes.axvline(site, color="#CC79A7", linewidth=3, alpha=0.5, label="mutated" if k == 0 else None)


def _ticks(wild: Sequence, step: int) -> tuple[list[int], list[str]]:
    """Places of round residue numbers, and the numbers."""
    places = [i for i, label in enumerate(wild.labels) if label.isdigit() and int(label) % step == 0]
    return places, [wild.labels[i] for i in places]


def _step(length: int) -> int:
    return next((step for step in (5, 10, 20, 50, 100) if length / step <= 15), 200)


def _structure_panels(panels: "List[Axes]", effect: Effect, measured: StructuralChange) -> None:
    wild, mutant = effect.structure, effect.comparison.target
    assert isinstance(wild, Structure) and isinstance(mutant, Structure)  # something was measured
    laid = mutant.ca @ measured.rigid.rotation + measured.rigid.translation
    centre = wild.ca.mean(axis=0)
    plane = np.linalg.svd(wild.ca - centre, full_matrices=False)[2][:2].T
    for trace, colour, name in ((wild.ca, INK, "wild type"), (laid, COLOURS["structure"], "mutant")):
        panels[0].plot(*((trace - centre) @ plane).T, color=colour, linewidth=1.0, label=name)
    panels[0].plot(*((wild.ca[effect.sites] - centre) @ plane).T, "o", color="#CC79A7", markersize=6, label="mutated")
    panels[0].set(aspect="equal", title=f"superposition, RMSD {measured.rmsd:.2f} Å", xticks=[], yticks=[])
    panels[0].legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=3)
    distance = np.linalg.norm(wild.ca[:, None] - wild.ca[None], axis=-1)
    difference = distance_difference(wild, mutant, effect.comparison.alignment)
    limit = max(0.5, float(np.nanquantile(np.abs(difference), 0.995)))
    for axes, matrix, title, colours, lowest, highest in (
        (panels[1], distance, "distances in the wild type, Å", "viridis_r", 0.0, None),
        (panels[2], difference, "mutant - wild type, Å", "RdBu_r", -limit, limit),
    ):
        image = axes.imshow(matrix, interpolation="nearest", cmap=colours, vmin=lowest, vmax=highest)
        sites = np.flatnonzero(effect.sites)
        axes.plot(sites, np.full(len(sites), -0.015 * len(wild)), "v", color="#CC79A7", markersize=6, clip_on=False)
        axes.set_title(title, pad=10)
        ticks, labels = _ticks(wild, 2 * _step(len(wild)))
        axes.set_xticks(ticks, labels)
        axes.set_yticks(ticks, labels)
        axes.figure.colorbar(image, ax=axes, shrink=0.8)


def _save(figure: "Figure", path: PathLike) -> None:
    kind = Path(path).suffix.lower().removeprefix(".")
    undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind)
    with replacing(path) as part:
        figure.savefig(part, format=kind, dpi=160, metadata=undated)
