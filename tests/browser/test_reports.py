"""Reports in Chromium: what they ask for, how they look, and what their buttons do."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from comp.contract.sample import Sample
from comp.data.dropped import read_dropped
from comp.review.write import write_report
from comp.workspace import Workspace

COMPETITIONS = {
    "cats-dogs": "classes",
    "chest-xray": "classes",
    "denoising": "images",
    "digits": "classes",
    "housing": "values",
    "salt": "masks",
}
"""The competitions, and the panel of their task."""
EVERYWHERE = {"verdict", "folds", "samples", "configuration", "time", "reproduce"}
Watch = Callable[..., Any]
Report = Callable[[str], Path]
Faults = Callable[..., dict[str, list[str]]]


PANELS = """() => [...document.querySelectorAll("main > section")].map(section => {
  section.querySelectorAll("details").forEach(details => { details.open = true; });
  const parts = [...section.children].filter(part => part.checkVisibility());
  return [section.id, parts.map(part => part.tagName), section.getBoundingClientRect().height];
})"""
"""The id, the visible parts and the height of each panel, with its explanation unfolded."""
PICTURES = "[...document.images].every(image => image.complete && image.naturalWidth > 0)"


@pytest.mark.parametrize("name", COMPETITIONS)
def test_a_report_opens_without_a_network(tiny_report: Report, watch: Watch, name: str) -> None:
    """Nothing is logged, nothing is asked for, every panel is there, and it can be printed."""
    path = tiny_report(name)
    assert path.stat().st_size < 3_000_000
    watched = watch(path)
    page = watched.page
    links = page.eval_on_selector_all("nav a", "links => links.map(a => a.getAttribute('href'))")
    panels = page.evaluate(PANELS)
    assert links == [f"#{panel}" for panel, _, _ in panels]
    assert EVERYWHERE | {COMPETITIONS[name]} <= {panel for panel, _, _ in panels}
    for panel, parts, height in panels:
        assert parts[0] == "H2", panel
        assert len(parts) >= 2, panel
        assert height > 60, panel
    assert page.evaluate(PICTURES)
    for width in (1100, 400):
        page.set_viewport_size({"width": width, "height": 700})
        assert watched.overflow() <= 0, width
    assert page.pdf()[:5] == b"%PDF-"
    assert watched.faults == []


@pytest.mark.parametrize("name", COMPETITIONS)
def test_a_report_is_for_everybody(tiny_report: Report, grave_faults: Faults, name: str) -> None:
    """axe finds no grave fault, in light and in dark colours."""
    assert grave_faults(tiny_report(name), "light", "dark") == {}


def test_colours_follow_the_reader(tiny_report: Report, watch: Watch) -> None:
    page = watch(tiny_report("housing")).page
    script = "getComputedStyle(document.body).backgroundColor"
    page.emulate_media(color_scheme="light")
    assert page.evaluate(script) == "rgb(255, 255, 255)"
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(script) == "rgb(21, 23, 26)"


def test_a_report_in_korean(tiny_report: Report, watch: Watch, tmp_path: Path) -> None:
    made = tiny_report("cats-dogs")
    path = tmp_path / "report.html"
    write_report(made.parent.name, Workspace.at(made.parents[3]), path=path, language="ko")
    watched = watch(path)
    assert watched.page.evaluate("document.documentElement.lang") == "ko"
    panels = len(watched.page.locator("main > section").all())
    headings = watched.page.locator("h2").all_inner_texts()
    korean = [text for text in headings if any("가" <= letter <= "힣" for letter in text)]
    assert len(korean) == panels == len(headings)
    watched.page.set_viewport_size({"width": 400, "height": 700})
    assert watched.overflow() <= 0
    assert watched.faults == []


def test_the_drop_list_of_a_report_is_read_by_a_run(
    tiny_report: Report, watch: Watch, tmp_path: Path
) -> None:
    made = tiny_report("cats-dogs")
    watched = watch(made, accept_downloads=True)
    gallery = watched.page.locator(".gallery", has=watched.page.locator("[data-save]")).first
    boxes = gallery.locator("input[type=checkbox]")
    boxes.nth(0).check()
    boxes.nth(1).press("Space")
    with watched.page.expect_download() as download:
        gallery.locator("[data-save]").click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    ticked = gallery.locator(".card", has=watched.page.locator("input:checked")).locator("bdi")
    ids = ticked.all_inner_texts()
    with path.open(newline="", encoding="utf-8") as stream:
        assert [row["id"] for row in csv.DictReader(stream)] == ids
    folds = (made.parent / "folds.csv").read_text(encoding="utf-8").splitlines()[1:]
    samples = [Sample(id=line.split(",")[0]) for line in folds]
    assert set(read_dropped(path, samples).ids) == set(ids)
    assert len(ids) == 2
    assert watched.faults == []
