from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from sklearn.linear_model import LogisticRegression

from comp.data.images.decode import read_rgb
from comp.data.synthetic_images import draw_stripes, stripes


def test_names_and_classes_are_those_of_the_files(tmp_path: Path) -> None:
    drawn = draw_stripes(tmp_path, np.random.default_rng(0), "t", 7, 3)
    assert [label for _, label in drawn] == [0, 1, 2, 0, 1, 2, 0]
    assert {path.stem for path in tmp_path.iterdir()} == {name for name, _ in drawn}
    for name, _ in drawn:
        height, width, channels = read_rgb(tmp_path / f"{name}.png").shape
        assert 64 <= min(height, width) <= max(height, width) <= 128
        assert channels == 3


def test_classes_can_be_told_apart_by_width_of_stripes_alone() -> None:
    """A linear model on the energy of each frequency of the grey image knows most classes."""
    rng = np.random.default_rng(1)

    def energy(label: int) -> np.ndarray:
        grey = cv2.resize(stripes(rng, label, 3).mean(axis=2), (64, 64))
        power = np.abs(np.fft.fft2(grey - grey.mean())) ** 2
        away = np.hypot(*np.meshgrid(np.fft.fftfreq(64) * 64, np.fft.fftfreq(64) * 64))
        rings = np.bincount(away.astype(int).ravel(), power.ravel())[:24]
        return np.asarray(rings / rings.sum())

    labels = np.arange(90) % 3
    features = np.array([energy(int(label)) for label in labels])
    model = LogisticRegression(C=1000, max_iter=2000).fit(features[:60], labels[:60])
    assert model.score(features[60:], labels[60:]) > 0.8
