"""What the buttons of a gallery do, with names that are not harmless, and what axe says of every
kind of block."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from every_block import page_of

from comp.contract.sample import Sample
from comp.data.dropped import mark_of, read_dropped
from comp.page.blocks import Card, Gallery, Page, Panel
from comp.page.document import write_page
from comp.page.thumbnails import thumbnail
from comp.page.words import say

IDS = (
    "plain",
    "two\nlines\r\nand \u2028 more",
    "a,\"b\" 'c'",
    "<script>alert(1)</script>",
    "\u202egnp.exe \U0001f431",
    "=1+1 " + "x" * 495,
)
CLASSES = ("cat", "<img src=x onerror=alert(2)>", "a\"b'c")

Watch = Callable[..., Any]
Faults = Callable[..., dict[str, list[str]]]


@pytest.fixture
def gallery(tmp_path: Path) -> Path:
    """A page with a gallery of six cards of three classes and two folds."""
    picture = thumbnail(np.full((9, 9), 99, np.uint8))
    cards = [
        Card(
            id=name,
            pictures=[picture],
            tags={"class": CLASSES[i % 3], "fold": str(i % 2)},
            mark=mark_of(Sample(id=name, target=float(i))),
        )
        for i, name in enumerate(IDS)
    ]
    filters = {"class": say("class"), "fold": say("fold")}
    block = Gallery(cards=cards, filters=filters, ticks=True, file_name="drop.csv")
    panel = Panel(id="samples", title="Samples", blocks=[block])
    return write_page(Page(title="t", panels=[panel]), tmp_path / "gallery.html")


def visible(page: Any) -> int:
    return int(page.locator(".card:visible").count())


def test_filters_choose_together(gallery: Path, watch: Watch) -> None:
    watched = watch(gallery)
    page = watched.page
    classes, folds = page.locator("select").all()
    counts = []
    for name in CLASSES:
        classes.select_option(value=name)
        counts.append(visible(page))
    assert counts == [2, 2, 2]
    folds.select_option(value="1")
    assert visible(page) == 1
    classes.select_option(value="")
    assert visible(page) == 3
    folds.select_option(value="")
    assert visible(page) == 6
    assert watched.faults == []


def test_the_ids_shown_are_copied(gallery: Path, watch: Watch) -> None:
    watched = watch(gallery, permissions=["clipboard-read", "clipboard-write"])
    page = watched.page
    page.locator("select").first.select_option(value="cat")
    page.get_by_role("button", name="Copy the ids shown").click()
    page.wait_for_function("document.querySelector('.status').textContent === 'copied: 2'")
    assert page.evaluate("navigator.clipboard.readText()") == f"{IDS[0]}\n{IDS[3]}"
    assert watched.faults == []


def saved(page: Any, path: Path) -> Path:
    with page.expect_download() as download:
        page.get_by_role("button", name="Save the ticked ids").click()
    assert download.value.suggested_filename == "drop.csv"
    download.value.save_as(path)
    return path


def test_ticked_ids_become_a_drop_list(gallery: Path, watch: Watch, tmp_path: Path) -> None:
    """Every letter of an id is kept, so that a run finds it, and what it means."""
    samples = [Sample(id=name, target=float(i)) for i, name in enumerate((*IDS, "other"))]
    watched = watch(gallery, accept_downloads=True)
    page = watched.page
    page.locator("input[type=checkbox]").nth(1).press("Space")
    assert page.locator(".status").text_content() == "ticked: 1"
    assert list(read_dropped(saved(page, tmp_path / "one.csv"), samples).ids) == [IDS[1]]
    page.locator("select").last.select_option(value="0")
    page.get_by_role("button", name="Tick all shown").click()
    found = read_dropped(saved(page, tmp_path / "more.csv"), samples)
    assert list(found.ids) == [IDS[0], IDS[1], IDS[2], IDS[4]]
    assert found.notes == []
    other = [Sample(id=name, target=9.0) for name in IDS]
    assert "4 of 4 samples have changed" in read_dropped(tmp_path / "more.csv", other).notes[0]
    assert watched.faults == []


def test_the_keyboard_reaches_everything(gallery: Path, watch: Watch) -> None:
    page = watch(gallery).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.locator(".skip").bounding_box()["x"] >= 0  # it is seen once it has the focus
    reached = []
    for _ in range(2 + page.locator(".tools button").count() + len(IDS)):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.tagName"))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert [tag for tag in reached if tag != "BUTTON"] == ["SELECT"] * 2 + ["INPUT"] * len(IDS)
    page.locator("select").first.focus()
    page.keyboard.press("ArrowDown")
    assert visible(page) == 2


def test_every_kind_of_block_is_for_everybody(tmp_path: Path, grave_faults: Faults) -> None:
    """axe finds no grave fault."""
    path = write_page(page_of(say("words"), "name"), tmp_path / "page.html")
    assert grave_faults(path, "light", "dark") == {}


@pytest.mark.parametrize("words", [str, lambda name: say("{name}", name=name)])
def test_hostile_words_do_nothing(
    tmp_path: Path, watch: Watch, words: Callable[[str], Any]
) -> None:
    names = (*IDS, *CLASSES)
    files = [
        write_page(page_of(words(name), name), tmp_path / f"{index}.html")
        for index, name in enumerate(names)
    ]
    watched = watch(files[0], viewport={"width": 400, "height": 700})
    for name, file in zip(names, files, strict=True):
        watched.open(file)
        assert watched.overflow() <= 0, name
        assert watched.faults == [], name
