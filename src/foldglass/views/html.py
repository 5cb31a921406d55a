"""Comparisons and embeddings as HTML that needs nothing else: for notebooks and reports."""

from html import escape
from itertools import groupby

from foldglass.protein import Comparison, Embedding, Sequence
from foldglass.views.columns import CLASS_NAMES, Column, blocks, columns, figures, letter, span

WIDTH = 60

_STYLE = """<style>
.foldglass{font-family:system-ui,sans-serif;font-size:14px;line-height:1.4;max-width:60em}
.foldglass h4{margin:0 0 .5em;font-size:1.05em;font-weight:600}
.foldglass small,.foldglass .label{opacity:.7}
.foldglass table{font-size:inherit;color:inherit;border-collapse:collapse;margin:0 0 1em;background:transparent}
.foldglass th,.foldglass td{padding:.15em 1.2em .15em 0;text-align:right;font-weight:400;border:0;
background:transparent}
.foldglass th:first-child,.foldglass td:first-child{text-align:left}
.foldglass thead th{opacity:.7;border-bottom:1px solid}
.foldglass td{font-variant-numeric:tabular-nums}
.foldglass .legend{margin:0 0 .8em}
.foldglass .legend span{padding:.1em .5em;margin-right:.3em;white-space:nowrap}
.foldglass pre{font:13px/1.35 ui-monospace,Menlo,Consolas,monospace;margin:0 0 .9em;padding:0;overflow-x:auto;
background:transparent;color:inherit;border:0}
.foldglass .s0{background:#c2500a;color:#fff}.foldglass .s1{background:#fdb863;color:#000}
.foldglass .s2{background:#dcdfe8;color:#000}.foldglass .s3{background:#92b7e0;color:#000}
.foldglass .s4{background:#2b6cb0;color:#fff}
</style>"""
# From orange to blue, a pair of hues that every common form of colour blindness keeps apart.


def comparison_html(comparison: Comparison) -> str:
    """Scores, and the alignment with each aligned pair coloured by its local score."""
    query, target = comparison.query, comparison.target
    laid = columns(comparison)
    parts = [
        f"<h4>{escape(query.id)} <small>{len(query)} residues</small> and "
        f"{escape(target.id)} <small>{len(target)} residues</small></h4>",
        _table(comparison),
    ]
    if laid:
        parts.append(_legend())
        margin = max(len(label) for protein in (query, target) for label in protein.labels)
        parts += [_block(query, target, block, margin) for block in blocks(laid, WIDTH)]
    else:
        parts.append("<p>No residue is aligned.</p>")
    if comparison.model:
        parts.append(f"<small>model {escape(comparison.model)}</small>")
    return _framed(*parts)


def embedding_html(embedding: Embedding) -> str:
    """What the vectors are of, and their sizes."""
    rows = [
        ("residues", f"{len(embedding):,}"),
        ("made from", embedding.kind),
        ("protein vector", f"{len(embedding.protein)}"),
        ("residue vectors", " × ".join(map(str, embedding.residue.shape))),
    ]
    if embedding.pair is not None:
        rows.append(("pair vectors", " × ".join(map(str, embedding.pair.shape))))
    if embedding.model:
        rows.append(("model", embedding.model))
    body = "".join(f"<tr><td>{name}</td><td>{escape(value)}</td></tr>" for name, value in rows)
    return _framed(f"<h4>{escape(embedding.id)}</h4>", f"<table><tbody>{body}</tbody></table>")


def _framed(*parts: str) -> str:
    return "\n".join([_STYLE, '<div class="foldglass">', *parts, "</div>"])


def _table(comparison: Comparison) -> str:
    measured = comparison.exact is not None
    head = "<thead><tr><th></th><th>predicted</th><th>TM-align</th></tr></thead>" if measured else ""
    body = "".join(
        f"<tr><td>{name}</td><td>{value}</td>{f'<td>{exact}</td>' if measured else ''}</tr>"
        for name, value, exact in figures(comparison)
    )
    return f"<table>{head}<tbody>{body}</tbody></table>"


def _legend() -> str:
    keys = "".join(f'<span class="s{number}">{name}</span>' for number, name in enumerate(CLASS_NAMES))
    return (
        f'<div class="legend"><small>Local score of the query’s residues '
        f"(unrelated chains: about 0.7)</small><br>{keys}</div>"
    )


def _block(query: Sequence, target: Sequence, block: list[Column], margin: int) -> str:
    rows = [
        _row("query", query, [column.query for column in block], block, margin),
        _row("target", target, [column.target for column in block], block, margin),
    ]
    return "<pre>" + "\n".join(rows) + "</pre>"


def _row(name: str, protein: Sequence, residues: list[int | None], block: list[Column], margin: int) -> str:
    first, last = span(protein, residues)
    cells = []
    for score_class, run in groupby(zip(residues, block, strict=True), key=lambda cell: cell[1].score_class):
        letters = "".join(letter(protein, residue, aligned=column.aligned) for residue, column in run)
        cells.append(letters if score_class is None else f'<span class="s{score_class}">{letters}</span>')
    return (
        f'<span class="label">{name:6}  {escape(first):>{margin}}</span>  {"".join(cells)}  '
        f'<span class="label">{escape(last)}</span>'
    )
