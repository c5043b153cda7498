"""Near-copies among neighbouring images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from comp.data.synthetic_images import stripes
from comp.discovery.copies import near_copies


def test_near_copies_without_groups_are_told(tmp_path: Path) -> None:
    paths = []
    for i in range(8):
        picture = Image.fromarray(stripes(np.random.default_rng(i), i, 8))
        paths += [tmp_path / f"{i}a.png", tmp_path / f"{i}b.jpg"]
        picture.save(paths[-2])
        picture.save(paths[-1], quality=90)
    finding = near_copies(paths, grouped=False)
    assert finding
    assert finding.why.startswith("8 pairs among 16 images, such as 0a.png and 0b.jpg")
    assert near_copies(paths, grouped=True) is None
    assert near_copies(paths[::2], grouped=False) is None
