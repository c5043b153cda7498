"""The Python of a model card, run as it stands, predicts what the run predicts."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

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
        ({"read": "by the reader of the competition pages"}, "image = ...  # uint8"),
    ],
)
def test_what_the_lines_cannot_read_is_left_to_the_user(
    before: dict[str, Any], line: str, exports: Any
) -> None:
    described = dict(exports.onnx.described) | {"preprocessing": before}
    assert line in loading(described)
