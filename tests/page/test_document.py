"""Pages: every kind of block is shown, and no text of any of them is markup."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from every_block import every_block, page_of

from comp.page.blocks import (
    Block,
    Card,
    Figure,
    Gallery,
    Page,
    Panel,
    Table,
)
from comp.page.document import (
    _static,
    name,
    number,
    policy,
    readable,
    render,
    values_of,
    write_page,
)
from comp.page.words import Text, say

EVIL = "</script></style></title><script>x</script>\"'><img src=http://h onerror=x>\n\r\u202e\udcff"


class Elements(HTMLParser):
    """The elements of a page, its text, and its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self._raw = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, key, value or "") for key, value in attrs]
        self._raw = tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._raw = False

    def handle_data(self, data: str) -> None:
        self.text += "" if self._raw else data


def test_every_kind_of_block_is_tried() -> None:
    """A new kind of block or chart must be added to `every_block`."""
    kinds = {type(block) for block in every_block("a", "a")}
    assert kinds == set(get_args(Block))
    charts = {type(block.chart) for block in every_block("a", "a") if isinstance(block, Figure)}
    assert charts == set(get_args(get_type_hints(Figure)["chart"]))


@pytest.mark.parametrize(
    "words", [str, lambda x: say("{x}", x=x), lambda x: say("a {b}", b=say("{x}", x=x))]
)
def test_no_text_is_markup(words: Callable[[str], Text]) -> None:
    harmless = Elements(render(page_of(words("a"), "a")))
    found = Elements(render(page_of(words(EVIL), EVIL)))
    assert sorted(found.tags) == sorted(harmless.tags)
    names = [(tag, key) for tag, key, _ in found.attributes]
    assert sorted(names) == sorted((tag, key) for tag, key, _ in harmless.attributes)
    assert found.text.count("<script>x</script>") >= 30
    assert "\u202e" not in found.text
    for _, key, value in found.attributes:
        assert not (key in ("href", "src") and value.startswith(("http", "javascript")))


def test_nothing_asks_for_a_file() -> None:
    page = render(page_of("a", "a"))
    found = Elements(page)
    for _, key, value in found.attributes:
        if key in ("src", "href", "srcset", "data", "action", "poster"):
            assert value.startswith(("data:", "#", "a")), value
    assert not re.search(r"@import|url\(", page)
    assert ("meta", "content", policy(_static("page.js"))) in found.attributes
    assert policy("x").startswith("default-src 'none'; script-src 'sha256-")


def test_an_id_keeps_every_letter() -> None:
    names = [
        value
        for _, key, value in Elements(render(page_of("a", EVIL))).attributes
        if key == "data-id"
    ]
    assert [json.loads(value) for value in names] == [EVIL] * 4


def test_data_is_json(tmp_path: Path) -> None:
    data = {"score": math.nan, "values": [1, (2.5, None)], "path": tmp_path, EVIL: EVIL, "": True}
    page = render(Page(title="t", data=data))
    text = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    assert text
    assert json.loads(text[1]) == {
        "score": None,
        "values": [1, [2.5, None]],
        "path": str(tmp_path),
        EVIL: EVIL,
        "": True,
    }


def test_a_page_is_a_file_of_utf_8(tmp_path: Path) -> None:
    path = write_page(page_of("한국어", EVIL), tmp_path / "page.html", "ko")
    assert '<html lang="ko">' in path.read_text(encoding="utf-8")


def test_a_page_without_panels_has_no_contents() -> None:
    assert "nav" not in Elements(render(Page(title="t"))).tags


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (1234567, "1,234,567"),
        (0.12345, "0.1235"),
        (math.nan, "-"),
        (math.inf, "inf"),
        (0.0, "0.0000"),
        (1e-9, "1e-09"),
        (-1234.5, "-1,234.5000"),
    ],
)
def test_numbers_of_tables(value: float | None, text: str) -> None:
    assert number(value) == text


def test_long_names_lose_their_middle() -> None:
    assert name("a" * 500) == "a" * 80 + " ... " + "a" * 80
    assert name("a" * 160) == "a" * 160
    assert name("a\u202eb") == "a\\u202eb"


def test_marks_of_direction_are_seen() -> None:
    assert readable("a\u202e\n\x00한😀\udcff") == "a\\u202e\\n\\x00한😀\\udcff"
    assert readable("a\nb\t", keep="\n") == "a\nb\\t"


def rows_of(table: Table) -> list[str]:
    """The widths of the bars of a table."""
    page = render(Page(title="t", panels=[Panel(id="a", title="t", blocks=[table])]))
    return [
        value for tag, key, value in Elements(page).attributes if (tag, key) == ("rect", "width")
    ]


def test_bars_of_tables() -> None:
    rows = [["a", 2.0], ["b", -1.0], ["c", None], ["d", math.nan]]
    assert rows_of(Table(columns=["", ""], rows=rows, bars=1)) == ["100.0", "50.0", "0.0", "0.0"]
    shares = [0.25, None, 7.0, 1.0]
    assert rows_of(Table(columns=["", ""], rows=rows, shares=shares)) == ["25", "0", "100", "100"]


def test_long_tables_say_how_long_they_are() -> None:
    table = Table(columns=["n"], rows=[[str(row)] for row in range(70)])
    page = Elements(render(Page(title="t", panels=[Panel(id="a", title="t", blocks=[table])])))
    assert "The first 50 of 70 rows." in page.text
    assert page.tags.count("tr") == 51


def test_filters_sort_numbers_by_their_value_and_take_any_name() -> None:
    names = ["10", "9", "²", "½", "b", "٣"]
    gallery = Gallery(cards=[Card(id=name, tags={"class": name}) for name in names])
    assert values_of(gallery, "class") == ["٣", "9", "10", "b", "²", "½"]
