from __future__ import annotations

from pathlib import Path

import numpy as np

from comp.data.images.decode import read_rgb
from comp.report.example import write_triptych


def test_input_prediction_and_truth_stand_side_by_side(tmp_path: Path) -> None:
    image = np.dstack([np.full((5, 4), 100), np.full((5, 4), 33)]).astype(np.uint8)
    prediction = np.full((5, 4, 1), 0.6)
    target = np.full((5, 4, 1), 250 / 255)
    write_triptych(tmp_path / "a.png", image, prediction, target)
    picture = read_rgb(tmp_path / "a.png")
    assert picture.shape == (7, 3 * 6 + 2 * 12, 3)
    assert [picture[3, x, 0] for x in (3, 3 + 18, 3 + 36)] == [100, 153, 250]
    assert picture[3, 10].tolist() == [255, 255, 255]


def test_predictions_beyond_black_and_white_are_clipped(tmp_path: Path) -> None:
    image = np.zeros((2, 2, 3), dtype=np.uint8)
    prediction = np.array([[[-1.0, 0, 2], [0, 0, 0]], [[0, 0, 0], [0, 0, 0]]])
    write_triptych(tmp_path / "a.png", image, prediction, image / 255)
    assert read_rgb(tmp_path / "a.png")[1, 1 + 4 + 12].tolist() == [0, 0, 255]
