"""A range test as a table, a sentence, a CSV file and a picture."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from rich.console import Console

from comp.errors import RunError
from comp.report.lr_find import advice, curve_table, make_folder, write_csv, write_plot
from comp.training.range_test import Curve

RATES = np.geomspace(1e-7, 1, 100).tolist()
SMOOTHED = [1.0] * 40 + np.linspace(1, 0.1, 30).tolist() + np.linspace(0.1, 0.5, 20).tolist()
CURVE = Curve(rates=RATES[:90], losses=SMOOTHED, smoothed=SMOOTHED, planned=100)
RISING = Curve(rates=RATES, losses=[1.0 + r for r in RATES], smoothed=[1.0 + r for r in RATES],
               planned=100)  # fmt: skip


def printed(curve: Curve) -> list[str]:
    console = Console(file=io.StringIO(), width=100)
    console.print(curve_table(curve))
    return [line for line in console.file.getvalue().splitlines() if "e-" in line or "e+" in line]


def test_the_table_has_a_dozen_rows_and_the_two_of_the_suggestions() -> None:
    rows = printed(CURVE)
    assert 12 <= len(rows) <= 14
    (steepest,) = [row for row in rows if "steepest" in row]
    (lowest,) = [row for row in rows if "lowest" in row]
    assert f"{CURVE.suggestion:.1e}" in steepest
    assert f"{CURVE.rates[CURVE.lowest]:.1e}" in lowest
    assert "0.10000" in lowest
    assert [row.split()[1] for row in rows] == sorted(
        (row.split()[1] for row in rows), key=lambda text: int(text)
    )


def test_the_advice_is_a_setting_to_paste() -> None:
    assert f"--set optim.lr={CURVE.suggestion:.1e}" in advice(CURVE)
    assert "the loss exploded up to" in advice(CURVE)
    assert f"{CURVE.tenth:.1e}" in advice(CURVE)


def test_a_loss_that_never_fell_gets_no_advice() -> None:
    words = advice(RISING)
    assert "never fell" in words
    assert "optim.lr" not in words


def test_the_csv_has_every_point_with_all_its_digits(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", CURVE)
    with (tmp_path / "a.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [int(row["step"]) for row in rows] == list(range(1, 91))
    assert [float(row["rate"]) for row in rows] == RATES[:90]
    assert [float(row["smoothed"]) for row in rows] == SMOOTHED


@pytest.mark.parametrize("curve", [CURVE, RISING])
def test_the_picture_is_a_png_with_lines_on_it(tmp_path: Path, curve: Curve) -> None:
    write_plot(tmp_path / "a.png", curve, "toy [0]")
    assert (tmp_path / "a.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    picture = cv2.imread(str(tmp_path / "a.png"))
    assert picture is not None
    assert picture.shape == (750, 1200, 3)
    blue = (picture[..., 0].astype(int) - picture[..., 2]) > 100
    assert blue.sum() > 1000
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_a_place_that_cannot_be_made_is_a_mistake(tmp_path: Path) -> None:
    assert make_folder(tmp_path / "new") == make_folder(tmp_path / "new")
    assert (tmp_path / "new" / "lr-find").is_dir()
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"cannot write to .*use --out"):
        make_folder(tmp_path / "file")
