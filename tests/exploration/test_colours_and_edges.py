"""Images as numbers without weights."""

from __future__ import annotations

import numpy as np

from comp.data.synthetic_images import stripes
from comp.exploration.colours_and_edges import WIDTH, colours_and_edges


def test_colour_and_direction_are_told_apart() -> None:
    rng = np.random.default_rng(0)
    image = stripes(rng, 0, 3)
    same = np.clip(image.astype(int) + rng.integers(-5, 6, image.shape), 0, 255).astype(np.uint8)
    turned = np.ascontiguousarray(image.transpose(1, 0, 2))
    recoloured = np.ascontiguousarray(image[..., ::-1])
    first = colours_and_edges(image)
    near = np.linalg.norm(first - colours_and_edges(same))
    for other in (turned, recoloured):
        assert np.linalg.norm(first - colours_and_edges(other)) > 2 * near


def test_every_picture_has_as_many_numbers() -> None:
    for shape in ((1, 1), (3, 500, 3), (40, 30)):
        found = colours_and_edges(np.zeros(shape, dtype=np.uint8))
        assert found.shape == (WIDTH,)
        assert np.isfinite(found).all()
