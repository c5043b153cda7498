"""suspects.csv, and the sheet with the images of the first suspects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import polars as pl
import pytest
from oof_runs import OofRuns

from comp.contract.metrics import ACCURACY, IOU
from comp.contract.sample import Sample
from comp.data.dropped import read_dropped
from comp.pipeline.suspect_files import ON_SHEET, write_suspects
from comp.pipeline.suspects import find_suspects
from comp.report.suspects import SIDE

IDS = [f"folder/s{row}.png" for row in range(60)]
FOLDS = {name: row % 3 for row, name in enumerate(IDS)}
CHANCES = {name: 0.1 + 0.8 * (row % 2) for row, name in enumerate(IDS)}


def samples_of(images: Mapping[str, Path]) -> list[Sample]:
    """Samples whose first three labels are wrong."""
    return [
        Sample(id=name, image=images.get(name), target=float(row % 2 if row > 2 else 1 - row % 2))
        for row, name in enumerate(IDS)
    ]


def test_the_table_can_be_dropped_and_the_sheet_shows_the_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "red.png"
    cv2.imwrite(str(path), np.full((20, 40, 3), (0, 0, 255), np.uint8))
    samples = samples_of(dict.fromkeys(IDS, path))
    fields = {"classes": ("nein", "größer"), "metric": ACCURACY}
    runs = OofRuns(tmp_path, monkeypatch, samples, **fields)
    runs.write("r1", CHANCES, FOLDS, fit=False)
    found, run = find_suspects("r1", runs.workspace)
    table = tmp_path / "list.csv"
    sheet = write_suspects(found, run, table)
    rows = pl.read_csv(table, infer_schema=False)
    assert sorted(rows["id"]) == IDS[:3]
    assert rows["estimated_wrong"].to_list() == ["yes"] * 3
    assert set(zip(rows["given"], rows["suggested"], strict=True)) == {
        ("größer", "nein"),
        ("nein", "größer"),
    }
    assert all(float(chance) == pytest.approx(0.1) for chance in rows["p_given"])
    dropped = read_dropped(table, samples)
    assert (dropped.ids, dropped.notes) == (IDS[:3], [])
    corrected = [*samples[:2], replace(samples[2], target=0.0), *samples[3:]]
    assert samples[2].target == 1
    assert "1 of 3 samples have changed" in read_dropped(table, corrected).notes[0]
    assert sheet == tmp_path / "list.png"
    drawn = cv2.imread(str(sheet))
    assert drawn.shape[1] > 3 * SIDE
    assert drawn[SIDE // 2, SIDE // 2].tolist() == [0, 0, 255]
    assert drawn[10, SIDE // 2].tolist() == [200, 200, 200]  # the image keeps its proportions
    assert (drawn[SIDE:, :SIDE] < 100).any()  # text


def test_many_suspects_have_a_sheet_of_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "grey.png"
    cv2.imwrite(str(path), np.full((8, 8), 90, np.uint8))
    runs = OofRuns(
        tmp_path,
        monkeypatch,
        samples_of(dict.fromkeys(IDS, path)),
        classes=("no", "yes"),
        metric=ACCURACY,
    )
    runs.write("r1", CHANCES, FOLDS, fit=False)
    found, run = find_suspects("r1", runs.workspace, top=60)
    sheet = write_suspects(found, run, tmp_path / "list.csv")
    assert len(found.suspects) == 60
    height = cv2.imread(str(sheet)).shape[0]
    assert height // (ON_SHEET // 6) > SIDE


def test_rows_of_a_table_have_no_sheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fields = {"classes": ("no", "yes"), "metric": ACCURACY}
    runs = OofRuns(tmp_path, monkeypatch, samples_of({}), **fields)
    runs.write("r1", CHANCES, FOLDS, fit=False)
    found, run = find_suspects("r1", runs.workspace)
    (tmp_path / "list.png").write_text("of an earlier call")
    assert write_suspects(found, run, tmp_path / "list.csv") is None
    assert not (tmp_path / "list.png").exists()


def test_masks_are_drawn_beside_their_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from comp.tasks.segmentation import segmentation

    image = np.zeros((10, 10, 3), np.uint8)
    mask = np.zeros((10, 10, 1), np.uint8)
    mask[5:] = 255

    def reader(
        _samples: object, _config: object, _folder: Path
    ) -> Callable[[Sample], Mapping[str, np.ndarray]]:
        return lambda _sample: {"image": image, "target": mask}

    path = tmp_path / "any.png"
    path.touch()
    samples = [Sample(id=name, image=path) for name in IDS[:6]]
    fields = {"task": segmentation(("x",)), "metric": IOU, "reader": reader}
    runs = OofRuns(tmp_path, monkeypatch, samples, **fields)
    predictions = {name: np.full((10, 10, 1), 0.5) for name in IDS[:6]}
    runs.write("r1", predictions, {name: FOLDS[name] for name in predictions}, finished=False)
    found, run = find_suspects("r1", runs.workspace)
    drawn = cv2.imread(str(write_suspects(found, run, tmp_path / "list.csv")))
    row = SIDE * 3 // 4
    values = [drawn[row, SIDE // 2 + panel * SIDE, 0] for panel in range(3)]
    assert values == [0, 255, 128]
