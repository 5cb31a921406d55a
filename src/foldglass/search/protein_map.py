"""A picture of a collection: every protein a point, near where its neighbours are."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int64

from foldglass.errors import MissingExtraError
from foldglass.io.atomic import replacing

_COLOURED = 12
_FITTED = 20_000
_GREY = "#c9c9c9"


def plane(vectors: np.ndarray) -> tuple[Float[np.ndarray, "N 2"], str]:
    """Two coordinates of each vector, and how they were found: UMAP if umap-learn is installed, else PCA.

    Examples
    --------
    >>> points, method = plane(np.random.default_rng(0).normal(size=(20, 5)).astype(np.float32))
    >>> points.shape, method[:3] in ("UMA", "PCA")
    ((20, 2), True)
    """
    try:
        import umap
    except ImportError:
        return _principal(vectors)
    points = umap.UMAP(metric="cosine", random_state=0, n_neighbors=min(15, len(vectors) - 1), n_jobs=1).fit_transform(
        vectors.astype(np.float32)
    )
    return np.asarray(points, np.float64), "UMAP of the cosines, 15 neighbours, seed 0"


def _principal(vectors: np.ndarray) -> tuple[Float[np.ndarray, "N 2"], str]:
    """Principal components, found on every n-th vector of many."""
    some = vectors[:: max(1, len(vectors) // _FITTED)].astype(np.float64)
    centre = some.mean(axis=0)
    variances, axes = np.linalg.eigh((some - centre).T @ (some - centre))
    share = variances[-2:].sum() / max(variances.sum(), np.finfo(np.float64).tiny)
    points = (vectors.astype(np.float32) - centre.astype(np.float32)) @ axes[:, :-3:-1].astype(np.float32)
    return points.astype(np.float64), f"PCA, {share:.0%} of the variance"


def draw_map(vectors: np.ndarray, representatives: Int64[np.ndarray, " N"], names: list[str], out: Path) -> str:
    """Draw all proteins, those of the largest clusters in colour, and return how the plane was found.

    Parameters
    ----------
    names
        Of the proteins; the legend shows those of representatives.
    out
        A .png, .svg or .pdf file.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise MissingExtraError("cluster --map", package="matplotlib", extra="map") from error
    points, method = plane(vectors)
    figure = Figure(figsize=(8, 6.5), layout="constrained")
    axes: Any = figure.subplots()
    found, counts = np.unique(representatives, return_counts=True)
    largest = found[np.argsort(-counts, kind="stable")][:_COLOURED]
    rest = ~np.isin(representatives, largest)
    size = float(np.clip(4000 / len(points), 2, 30))
    axes.scatter(*points[rest].T, s=size, c=_GREY, linewidths=0, rasterized=True)
    for number, one in enumerate(largest[counts[np.searchsorted(found, largest)] > 1]):
        own = representatives == one
        label = f"{names[one]} ({own.sum():,})"
        look = {"color": f"C{number % 10}", "marker": "o^"[number // 10]}
        axes.scatter(*points[own].T, s=size, linewidths=0, label=label, **look)
    axes.set(xticks=[], yticks=[], title=f"{len(points):,} proteins in {len(found):,} clusters; {method}")
    if axes.get_legend_handles_labels()[0]:
        axes.legend(title="largest clusters", fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    with replacing(out) as part:
        figure.savefig(part, format=out.suffix[1:] or "png", dpi=150)
    return method
