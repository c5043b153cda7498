from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import albumentations as A
import cv2
import numpy as np
import pytest
from whole_run import tiny_config

from comp.bundle.describe_read import describe_read
from comp.contract.competition import Competition, ImageSpec
from comp.contract.sample import Sample
from comp.data.images.prepared import PreparedImages
from comp.data.images.values import ValueRange
from comp.errors import RunError
from comp.runs.folder import RunFolder
from comp.tasks.binary import binary
from comp.tasks.image_table import image_table

BIRDS = image_table(
    task=binary(("no", "yes")), name="birds", title="Birds", kaggle="competitions/rare-birds"
)


def described(folder: Path, competition: Competition = BIRDS, **keys: Any) -> dict[str, Any]:
    """The section of a run whose test is the images in a folder."""
    test = [Sample(id=path.name, image=path) for path in sorted(folder.glob("*.*"))]
    config = tiny_config(competition, keys)
    return describe_read(competition, config, RunFolder(folder), test)


def own_spec(_config: Any) -> ImageSpec:
    return ImageSpec(size=32, equalize="clahe")


def own_reader(*_: Any) -> Any:
    return lambda _sample: {}


def own_pipeline(_config: Any, _train: bool) -> A.Compose:
    return A.Compose([A.Blur(p=1)])


def test_size_and_policy_are_those_of_the_network(tmp_path: Path) -> None:
    image = {"size": [32, 48], "resize": "partial", "channels": 1, "interpolation": "lanczos"}
    assert described(tmp_path, image=image | {"crop_pct": 0.75}) == {
        "kind": "resized",
        "size": [32, 48],
        "policy": "partial",
        "channels": 1,
        "interpolation": "lanczos",
        "crop_pct": 0.75,
        "formats": [],
        "value_range": None,
    }


def test_images_that_were_compressed_are_compressed_again(tmp_path: Path) -> None:
    assert described(tmp_path, image={"cache": "jpeg"})["kind"] == "compressed"
    assert described(tmp_path, image={"cache": False})["kind"] == "resized"


def test_the_formats_of_the_public_test_are_named(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((4, 4, 3), np.uint8))
    cv2.imwrite(str(tmp_path / "b.png"), np.zeros((4, 4, 3), np.uint8))
    np.save(tmp_path / "c.npy", np.zeros((4, 4), np.uint8))
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    assert described(tmp_path)["formats"] == ["NPY", "PNG"]


def test_the_range_of_the_run_goes_along(tmp_path: Path) -> None:
    (tmp_path / "reader").mkdir()
    known = ValueRange({"uint16": (0.0, 4095.0)}, sentence="12 bits")
    PreparedImages(value_range=known).write_pointer(tmp_path / "reader")
    found = described(tmp_path)["value_range"]
    assert ValueRange.from_record(found) == known


def test_broken_images_of_the_public_test_do_not_matter(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no image")
    assert described(tmp_path)["kind"] == "resized"


@pytest.mark.parametrize(
    ("name", "message"),
    [("x.png", "x.png is a PNG of colours with 16 bits"), ("x.tif", "x.tif is a TIFF of several")],
)
def test_formats_that_only_comp_reads_are_refused(tmp_path: Path, name: str, message: str) -> None:
    cv2.imwrite(str(tmp_path / name), np.zeros((4, 4, 3), np.uint16))
    with pytest.raises(RunError, match=f"{message}.*use --wheels"):
        described(tmp_path)


@pytest.mark.parametrize(
    ("competition", "keys", "message"),
    [
        (BIRDS, {"image": {"equalize": "clahe"}}, "image.equalize = clahe is done by OpenCV"),
        (replace(BIRDS, image_spec=own_spec), {}, "the plugin equalises its images"),
        (replace(BIRDS, pipeline=own_pipeline), {}, r"changes the images .*Blur"),
        (replace(BIRDS, reader=own_reader), {}, "birds has a reader of its own"),
    ],
)
def test_what_needs_comp_is_refused(
    tmp_path: Path, competition: Competition, keys: dict[str, Any], message: str
) -> None:
    with pytest.raises(RunError, match=message):
        described(tmp_path, competition, **keys)
