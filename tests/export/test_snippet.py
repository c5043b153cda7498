"""The Python of a model card, run as it stands, predicts what the run predicts."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from comp.contract.competition import ImageSpec
from comp.data.images.decode import read_rgb
from comp.data.images.resize import resize_image
from comp.export.snippet import loading
from comp.inference.predictions import Predictions


def blocks(markdown: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", markdown, flags=re.DOTALL)


@pytest.mark.parametrize("to", ["onnx", "torchscript"])
def test_the_lines_predict_a_file_and_its_mirrored_copy(
    to: str, exports: Any, read_image: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    exported = getattr(exports, to)
    for path in exported.files:
        shutil.copy(path, tmp_path)
    shutil.copy(read_image, tmp_path / "image.png")
    monkeypatch.chdir(tmp_path)
    load, decide, copies = blocks(loading(exported.described))
    assert len(load.strip().splitlines()) <= 10
    known: dict[str, Any] = {}
    exec("import warnings; warnings.simplefilter('ignore')\n" + load, known)
    single = known["prediction"]
    exec(decide, known)
    assert known["answer"].shape == (1,)

    def predict(image: np.ndarray) -> np.ndarray:
        if to == "onnx":
            out: np.ndarray = known["session"].run(None, {"image": image})[0]
        else:
            out = known["network"](known["torch"].from_numpy(image)).detach().numpy()
        return out

    known["predict"] = predict
    exec(copies, known)
    name = exports.run.data.test[0].id
    recorded = Predictions(exports.run.folder.test)[name]
    assert np.allclose(known["prediction"][0], recorded, atol=1e-5)
    assert not np.allclose(single[0], recorded, atol=1e-7)


def test_safetensors_says_that_a_network_is_needed(exports: Any) -> None:
    (block,) = blocks(loading(exports.safetensors.described))
    assert "file.metadata()" in block
    assert "load_state_dict" in block


@pytest.mark.parametrize(
    ("before", "line"),
    [
        (
            {"resize": "squash", "height": 8, "width": 9, "channels": 1, "interpolation": "area"},
            "file.resize((9, 8), Image.Resampling.BOX, reducing_gap=3)",
        ),
        ({"resize": "letterbox", "height": 8, "width": 8, "channels": 3}, "image = ...  # uint8"),
        (
            {"resize": "squash", "height": 8, "width": 8, "channels": 3, "steps": ["CenterCrop"]},
            "image = ...  # uint8",
        ),
        ({"read": "by the reader of the competition pages"}, "image = ...  # uint8"),
    ],
)
def test_what_the_lines_cannot_read_is_left_to_the_user(
    before: dict[str, Any], line: str, exports: Any
) -> None:
    described = dict(exports.onnx.described) | {"preprocessing": before}
    assert line in loading(described)


def test_the_lines_turn_a_photo_upright_and_put_it_on_white(
    exports: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {
        "resize": "squash",
        "height": 8,
        "width": 9,
        "channels": 3,
        "interpolation": "bicubic",
    }
    (load, *_) = blocks(loading(dict(exports.onnx.described) | {"preprocessing": before}))
    values = np.random.default_rng(0).integers(0, 255, (9, 14, 4), dtype=np.uint8)
    photo = Image.fromarray(values)
    exif = photo.getexif()
    exif[0x0112] = 6  # turned by 90 degrees
    photo.save(tmp_path / "image.png", exif=exif)
    monkeypatch.chdir(tmp_path)
    known: dict[str, Any] = {}
    read = [line for line in load.splitlines() if re.match("import numpy|from|file|image", line)]
    exec("\n".join(read), known)
    spec = ImageSpec(size=(8, 9), interpolation="bicubic")
    expected = resize_image(read_rgb(tmp_path / "image.png"), spec)
    assert np.abs(known["image"][0].astype(int) - expected).max() <= 1
