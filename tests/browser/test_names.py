"""Names that contain markup, quotes, line breaks and marks of direction: a whole run with them, its
report, the page of two runs, and the index. They are shown, and nothing happens."""

from __future__ import annotations

import csv
import html
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from toys import draw_nothing
from whole_run import tiny_config

from comp.contract import registry
from comp.contract.competition import Competition
from comp.contract.sample import Sample, Split
from comp.data.location import DataSource
from comp.page.document import readable
from comp.pipeline.run import run
from comp.review.index import write_index
from comp.review.pair.write import write_pair
from comp.review.write import write_report
from comp.runs.progress import Silent
from comp.submission.ledger import Ledger
from comp.tasks.classification import image_classification
from comp.workspace import Workspace

CLASSES = (
    "<script>alert('class')</script>",
    "\"quoted\" 'class' & <b>bold</b>",
    "\u202eright to left\u202c \U0001f431\u200d한국어",
    "long " * 100,
)
NAMES = (
    "<img src=x onerror=alert('id')>",
    "<svg onload=alert(1)>",
    "two\nlines",
    "'\"`>",
    "\u202egnp\u202c",
    "\U0001f431 고양이",
    "javascript:alert(2)",
    "w" * 230,
)
GROUP = "<script>alert('group')</script>\n"
PER_CLASS = 8

Watch = Callable[..., Any]
Faults = Callable[..., dict[str, list[str]]]


def competition() -> Competition:
    return image_classification(
        name="toy",
        title="<script>alert('title')</script>",
        kaggle="competitions/toy",
        classes=CLASSES,
        images="train",
        test_images="test",
        samples=samples,
        draw_synthetic=draw_nothing,
    )


def samples(root: Path, split: Split) -> list[Sample]:
    """Of a file with one sample a row; a table of comp's own refuses names of several lines."""
    with (root / f"{split}.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.reader(stream))
    paths = [root / split / f"{name}.png" for name, *_ in rows]
    if split == "test":
        return [Sample(id=row[0], image=path) for row, path in zip(rows, paths, strict=True)]
    return [
        Sample(id=name, image=path, target=CLASSES.index(label), group=group)
        for (name, label, group), path in zip(rows, paths, strict=True)
    ]


def draw(root: Path) -> None:
    """Images whose colour is their class, with ids from `NAMES`."""
    for part in ("train", "test"):
        (root / part).mkdir(parents=True)
    rows = []
    for index in range(PER_CLASS * len(CLASSES)):
        label = index % len(CLASSES)
        name = f"{index:02d} {NAMES[index % len(NAMES)]}"
        write_image(root / "train" / f"{name}.png", label)
        rows.append([name, CLASSES[label], f"{GROUP}{index}"])
    write_csv(root / "train.csv", rows)
    tests = [f"t{index} {name}" for index, name in enumerate(NAMES)]
    for name in tests:
        write_image(root / "test" / f"{name}.png", 0)
    write_csv(root / "test.csv", [[name] for name in tests])
    header = ["id", "label"]
    write_csv(root / "sample_submission.csv", [header, *([n, CLASSES[0]] for n in tests)])


def write_image(path: Path, label: int) -> None:
    pixels = np.full((32, 32, 3), 40 + 60 * label, np.uint8)
    _, data = cv2.imencode(".png", pixels)
    path.write_bytes(data.tobytes())


def write_csv(path: Path, rows: list[list[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(rows)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workspace, list[str]]]:
    """A workspace with two finished runs, of which one was submitted."""
    if os.name == "nt":
        pytest.skip("Windows has no file names like these")
    root = tmp_path_factory.mktemp("hostile")
    draw(root / "data" / "toy")
    toy, workspace, ids = competition(), Workspace.at(root), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "competitions", lambda: {"toy": toy})
        for lr in (0.001, 0.01):
            config = tiny_config(toy, {"max_steps": 3, "optim": {"lr": lr}})
            data = DataSource(root / "data" / "toy", False)
            ids.append(run(config, data, workspace, Silent()).run_id)
        ledger = Ledger(workspace.ledger)
        ledger.append("intent", "tag", "toy", run_id=ids[0], sha256="", file=NAMES[0])
        ledger.append("error", "tag", "toy", ref=1, message=NAMES[0])
        ledger.append("intent", "other", "toy", sha256="", file=NAMES[1])
        ledger.append("scored", "other", "toy", ref=2, public=NAMES[0], private=NAMES[1])
        yield workspace, ids


@pytest.fixture(scope="module")
def written(hostile: tuple[Workspace, list[str]]) -> list[Path]:
    """The reports of both runs, the page of the two, and the index."""
    workspace, (one, two) = hostile
    reports = [write_report(run_id, workspace) for run_id in (one, two)]
    return [*reports, write_pair(one, two, workspace), write_index(workspace)]


def test_names_are_shown_and_do_nothing(written: list[Path], watch: Watch) -> None:
    watched = watch(written[0])
    page = watched.page
    for path in written:
        page.set_viewport_size({"width": 1100, "height": 800})
        watched.open(path)
        for details in page.locator("summary").all():
            details.click()
        for select in page.locator("select").all():
            select.select_option(index=1)
            select.select_option(index=0)
        for button in page.locator("button").all():
            button.click()
        assert page.locator("script").count() == 2  # the page's own, and its data
        assert (
            page.locator("main b, main [onerror], main [onload], main a[href^=java]").count() == 0
        )
        page.set_viewport_size({"width": 400, "height": 700})
        assert watched.overflow() <= 0
        assert watched.faults == [], path


def test_the_other_pages_are_for_everybody(written: list[Path], grave_faults: Faults) -> None:
    """axe finds no grave fault in the page of two runs and in the index."""
    _, _, pair, index = written
    assert grave_faults(pair, "light", "dark") == {}
    assert grave_faults(index, "light", "dark") == {}


def test_labels_are_readable(written: list[Path]) -> None:
    """Each class is in the report, as text."""
    text = html.unescape(written[0].read_text(encoding="utf-8"))
    for name in CLASSES:
        assert readable(name)[:80] in text
    assert "\u202e" not in text
