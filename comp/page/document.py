"""A page as one HTML file: its styles, its script, its pictures and its data are inside.

A content security policy forbids every request and every script but the page's own, so a name that
contains markup does nothing, even if a template forgot to escape it.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comp.files import write_text
from comp.page import geometry
from comp.page.blocks import Cell, Gallery, Link, Page, Table
from comp.page.words import Language, Text, say, translate

if TYPE_CHECKING:
    import jinja2

LONGEST = 160
"""Letters of a name that are shown."""


def render(page: Page, language: Language = "en") -> str:
    """The page as HTML."""
    environment = _environment()
    words = translate(language)
    script, style = _static("page.js"), _static("page.css")
    return environment.get_template("page.html").render(
        page=page,
        data=as_json(page.data),
        language=language,
        script=script,
        style=style,
        policy=policy(script),
        t=lambda text: readable(words(text)),
        say=say,
        line_axes=geometry.line_axes,
        histogram_axes=geometry.histogram_axes,
        bar_axes=geometry.bar_axes,
        lengths_of=lengths_of,
        decimals_of=decimals_of,
        values_of=values_of,
        shortened=shortened,
        canvas=geometry,
    )


def write_page(page: Page, path: Path, language: Language = "en") -> Path:
    """Write the page to a file, which is replaced as a whole.

    Raises:
        DiskError: it cannot be written.
    """
    write_text(path, render(page, language))
    return path


def policy(script: str) -> str:
    """The content security policy of a page with this script."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def as_json(value: Any) -> Any:
    """A value of JSON: numbers that are not finite are null, and what JSON lacks is text."""
    if isinstance(value, Mapping):
        return {str(key): as_json(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(inner) for inner in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | bool | int) else str(value)


def readable(text: str, keep: str = "") -> str:
    """Text in one line: control characters and marks of direction are written as escapes.

    Args:
        keep: characters that stay as they are.
    """
    return "".join(
        c if c.isprintable() or c in keep else c.encode("unicode_escape").decode() for c in text
    )


def name(text: str) -> str:
    """A name in at most 160 characters, without its middle."""
    shown = readable(text)
    half = LONGEST // 2
    return shown if len(shown) <= LONGEST else f"{shown[:half]} ... {shown[-half:]}"


def number(value: float | int | None, decimals: int = 4) -> str:
    """A number for a table; integers have commas, and very small or large ones an exponent."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, float):
        return f"{value:,}"
    if value != value:
        return "-"
    if value != 0 and (abs(value) < 10.0**-decimals or abs(value) >= 1e9):
        return f"{value:.2g}"
    return f"{value:,.{decimals}f}"


def decimals_of(table: Table, column: int) -> int:
    """The decimals of the numbers of a column."""
    return table.decimals if isinstance(table.decimals, int) else table.decimals[column]


def lengths_of(table: Table) -> list[float] | None:
    """The length of the bar of each row in percent of the longest; None without bars."""
    if table.shares is not None:
        return [round(100 * min(1.0, max(0.0, _finite(value)))) for value in table.shares]
    if table.bars is None:
        return None
    values = [abs(_finite(row[table.bars])) for row in table.rows]
    largest = max(values, default=0.0) or 1.0
    return [round(100 * value / largest, 1) for value in values]


def _finite(value: Cell) -> float:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else 0.0


def values_of(gallery: Gallery, key: str) -> list[str]:
    """The values of a tag of the cards, sorted; numbers by their value."""
    values = {card.tags[key] for card in gallery.cards if key in card.tags}
    return sorted(values, key=lambda v: (0, int(v), "") if v.isdecimal() else (1, 0, v))


def shortened(text: str, letters: int = 26) -> str:
    """A label that fits beside a bar, without its middle."""
    if len(text) <= letters:
        return text
    return f"{text[: letters // 2]}...{text[-(letters // 2 - 3) :]}"


@cache
def _static(file: str) -> str:
    return files(__package__).joinpath("templates", file).read_text(encoding="utf-8")


@cache
def _environment() -> jinja2.Environment:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_static),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=lambda value: readable(value, keep="\n") if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "name": name}
    environment.tests |= {"numeric": is_number, "link": is_link}
    return environment


def is_number(value: Any) -> bool:
    """Whether a cell of a table is a number."""
    return isinstance(value, int | float)


def is_link(value: Any) -> bool:
    """Whether a cell of a table is a link."""
    return isinstance(value, Link)


def plain(text: Text) -> str:
    """Text in English, for the terminal and for JSON."""
    return translate("en")(text)
