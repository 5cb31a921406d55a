"""Interaction sites as a page that needs nothing else: the coloured sequence, and the trace seen from its flat side."""

from collections.abc import Sequence as List
from html import escape

import numpy as np

from foldglass.tasks.sites import Sites

_WIDTH, _HEIGHT, _MARGIN = 640, 420, 24
_ROW = 60
_COLOURS = ((0.0, (214, 221, 232)), (0.5, (253, 184, 99)), (1.0, (178, 62, 4)))
"""From grey-blue over orange at the threshold to red-brown: told apart by lightness as well as hue."""

_STYLE = """<style>
body{font-family:system-ui,sans-serif;font-size:14px;line-height:1.4;max-width:60em;margin:2em auto;padding:0 1em}
h2{margin:1.5em 0 .3em;font-size:1.15em}pre{font:13px/1.5 ui-monospace,Menlo,Consolas,monospace;overflow-x:auto}
pre b{font-weight:400;color:#000}pre b.t{border-bottom:2px solid #1a4fa0}pre i{color:#667;font-style:normal}
table{border-collapse:collapse}th,td{padding:.15em 1.2em .15em 0;text-align:left;vertical-align:top}
thead th{border-bottom:1px solid;font-weight:600}.key span{padding:.1em .6em;margin-right:.4em}small{color:#556}
svg{max-width:100%;height:auto}
</style>"""


def sites_html(found: List[Sites]) -> str:
    """One page for the chains of a file.

    A residue's colour is its probability, orange at the threshold; what truly touches a partner is underlined in the
    sequence and ringed in the drawing.
    """
    title = f"Interaction sites of {', '.join(sites.structure.id for sites in found)}"
    parts = [
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>{_STYLE}</head>',
        f"<body><h1>{escape(title)}</h1>",
        _key(found[0]),
    ]
    for sites in found:
        parts += [_heading(sites), _drawing(sites), _sequence(sites), _table(sites)]
    parts.append(f"<p><small>model {escape(found[0].model)}</small></p></body></html>\n")
    return "\n".join(parts)


def colour(probability: float, threshold: float) -> str:
    """Colour of a probability; the middle of the scale is the threshold.

    Examples
    --------
    >>> colour(0.3, 0.3), colour(1.0, 0.3)
    ('#fdb863', '#b23e04')
    """
    below = probability <= threshold
    place = (
        0.5 * probability / max(threshold, 1e-9) if below else 0.5 + 0.5 * (probability - threshold) / (1 - threshold)
    )
    stops = [stop for stop, _ in _COLOURS]
    channels = (np.interp(place, stops, [rgb[i] for _, rgb in _COLOURS]) for i in range(3))
    return "#" + "".join(f"{round(channel):02x}" for channel in channels)


def _key(sites: Sites) -> str:
    t = sites.threshold
    shown = (0.0, t / 2, t, (1 + t) / 2, 1.0)
    keys = "".join(f'<span style="background:{colour(p, t)}">{p:.2f}</span>' for p in shown)
    truth = " Underlined or ringed: truly touches a partner." if sites.interface is not None else ""
    return f'<p class="key">{keys} probability; above {t:.2f} a residue is called.{truth}</p>'


def _heading(sites: Sites) -> str:
    structure, called = sites.structure, int(sites.called.sum())
    said = f"{called} of {len(structure)} residues called, {len(sites.patches)} sites"
    if (agreement := sites.agreement) is not None and sites.interface is not None:
        said += (
            f"; {int(sites.interface.sum())} truly touch a partner: precision {agreement.precision:.2f}, "
            f"recall {agreement.recall:.2f}"
        )
    return f"<h2>{escape(structure.id)} <small>{said}</small></h2>"


def _drawing(sites: Sites) -> str:
    """The trace along its direction of least extent, near parts over far ones."""
    ca = sites.structure.ca.astype(np.float64)
    centred = ca - ca.mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)[2]
    flat = centred @ axes.T
    spread = np.maximum(flat[:, :2].max(axis=0) - flat[:, :2].min(axis=0), 1e-6)
    scale = min((_WIDTH - 2 * _MARGIN) / spread[0], (_HEIGHT - 2 * _MARGIN) / spread[1])
    x = (flat[:, :2] - flat[:, :2].min(axis=0) - spread / 2) * scale + np.array([_WIDTH, _HEIGHT]) / 2
    depth = (flat[:, 2] - flat[:, 2].min()) / max(float(np.ptp(flat[:, 2])), 1e-6)
    bonded = np.linalg.norm(np.diff(ca, axis=0), axis=1) < 4.5
    shapes: list[tuple[float, str]] = []
    for i in np.flatnonzero(bonded).tolist():
        near = (depth[i] + depth[i + 1]) / 2
        grey = round(205 - 110 * near)
        shapes.append(
            (
                near - 1e-3,
                f'<line x1="{x[i, 0]:.1f}" y1="{x[i, 1]:.1f}" x2="{x[i + 1, 0]:.1f}" y2="{x[i + 1, 1]:.1f}" '
                f'stroke="rgb({grey},{grey},{grey})" stroke-width="{1.5 + 2 * near:.1f}" stroke-linecap="round"/>',
            )
        )
    true = sites.interface
    for i, (letter, label) in enumerate(zip(sites.structure.letters, sites.structure.labels, strict=True)):
        p, ring = float(sites.probability[i]), true is not None and bool(true[i])
        stroke = 'stroke="#1a4fa0" stroke-width="1.8"' if ring else 'stroke="#556" stroke-width="0.4"'
        shapes.append(
            (
                float(depth[i]),
                f'<circle cx="{x[i, 0]:.1f}" cy="{x[i, 1]:.1f}" r="{3.2 + 2.6 * depth[i]:.1f}" '
                f'fill="{colour(p, sites.threshold)}" {stroke}><title>{letter}{escape(label)} {p:.2f}</title></circle>',
            )
        )
    body = "".join(shape for _, shape in sorted(shapes, key=lambda item: item[0]))
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}" role="img" '
        f'aria-label="C-alpha trace of {escape(sites.structure.id)}">{body}</svg>'
    )


def _sequence(sites: Sites) -> str:
    structure, true = sites.structure, sites.interface
    margin = max(map(len, structure.labels))
    lines = []
    for start in range(0, len(structure), _ROW):
        cells = []
        for i in range(start, min(start + _ROW, len(structure))):
            touched = ' class="t"' if true is not None and true[i] else ""
            shade = colour(float(sites.probability[i]), sites.threshold)
            cells.append(f'<b{touched} style="background:{shade}">{structure.letters[i]}</b>')
        lines.append(f"<i>{escape(structure.labels[start]):>{margin}}</i> {''.join(cells)}")
    return "<pre>" + "\n".join(lines) + "</pre>"


def _table(sites: Sites) -> str:
    if not sites.patches:
        return "<p>No residue is above the threshold.</p>"
    letters, labels = sites.structure.letters, sites.structure.labels
    rows = "".join(
        f"<tr><td>{number}</td><td>{len(patch.residues)}</td><td>{patch.probability:.2f}</td>"
        f"<td>{escape(' '.join(letters[i] + labels[i] for i in patch.residues.tolist()))}</td></tr>"
        for number, patch in enumerate(sites.patches, start=1)
    )
    head = "<thead><tr><th>site</th><th>residues</th><th>probability</th><th>members</th></tr></thead>"
    return f"<table>{head}<tbody>{rows}</tbody></table>"
