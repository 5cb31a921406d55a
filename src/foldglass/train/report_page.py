"""The page of every evaluation report: one HTML file that needs nothing else, and the numbers as JSON beside it."""

import base64
import json
from collections.abc import Iterable
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from foldglass.errors import InputError
from foldglass.io.atomic import check_writable, replacing
from foldglass.typing import PathLike


def check_report_path(path: PathLike) -> Path:
    """The HTML file of a report, before anything is measured.

    Raises
    ------
    InputError
        If the name does not end in .html or the folder cannot be written.
    """
    page = Path(path)
    if page.suffix != ".html":
        raise InputError(str(page), got=f"the ending {page.suffix or 'none'}", expected="a name that ends in .html")
    check_writable(page)
    return page


def write_page(page: Path, html: str, numbers: dict[str, Any]) -> tuple[Path, Path]:
    """Write the page and its numbers as .json beside it; both are complete or absent. Returns both paths."""
    beside = page.with_suffix(".json")
    with replacing(page) as new_page, replacing(beside) as new_numbers:
        new_page.write_text(html, encoding="utf-8")
        new_numbers.write_text(json.dumps(numbers, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return page, beside


def render_page(title: str, body: Iterable[str]) -> str:
    """The parts of the body as one page."""
    template = Template((files("foldglass.train") / "static" / "report.html").read_text(encoding="utf-8"))
    return template.substitute(title=escape(title), body="\n".join(body))


def facts(entries: Iterable[tuple[str, str, str]]) -> str:
    """Name, value and CSS class of each fact, as the box at the top of a page."""
    items = (f"<div class='{css}'><dt>{name}</dt><dd>{escape(value)}</dd></div>" for name, value, css in entries)
    return f"<dl class='facts'>{''.join(items)}</dl>"


def bullets(sentences: Iterable[str]) -> str:
    """Sentences, already HTML, as a list."""
    return f"<ul>{''.join(f'<li>{sentence}</li>' for sentence in sentences)}</ul>"


def figure(svg: str, title: str, note: str) -> str:
    """An SVG picture, kept in the page, with its caption."""
    source = base64.b64encode(svg.encode()).decode("ascii")
    return (
        f"<figure><img alt='{escape(title)}' src='data:image/svg+xml;base64,{source}'>"
        f"<figcaption><b>{escape(title)}</b> {escape(note)}</figcaption></figure>"
    )
