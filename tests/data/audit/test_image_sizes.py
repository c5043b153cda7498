"""The size of images, compared with the input of the network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toys import toy

from comp.config.schema import RunConfig, resolve
from comp.contract.competition import Competition, ImageSpec
from comp.contract.sample import Sample
from comp.data.audit.image_sizes import check_input_size
from comp.data.images.decode import write_image


def config(**image: Any) -> RunConfig:
    return resolve("toy", [{"backbone": "resnet18", "image": image}], toy().options)


def competition(side: int) -> Competition:
    return toy(classes=("a", "b"), metric="auc", image_spec=lambda _config: ImageSpec(size=side))


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    for i in range(3):
        write_image(tmp_path / f"{i}.png", np.zeros((24, 32), dtype=np.uint8))
    (tmp_path / "bad.png").write_bytes(b"bad")
    names = ("0", "1", "2", "bad", "gone")
    rows = [Sample(id=name, image=tmp_path / f"{name}.png") for name in names]
    return [*rows, Sample(id="row")]


@pytest.mark.parametrize(("side", "severity"), [(224, "warning"), (64, "note")])
def test_images_much_smaller_than_the_input_are_told(
    samples: list[Sample], side: int, severity: str
) -> None:
    (finding,) = check_input_size(competition(side), config(), samples, quick=False)
    assert (finding.kind, finding.severity) == ("input-size", severity)
    assert finding.words == (
        f"images are about 32 x 24 pixels, but image.size is unset, so the input of resnet18 is "
        f"{side} x {side}: a step costs {side**2 / 768:.0f} times as much as at the size of the "
        "images"
    )
    assert "--set image.size=64" in finding.advice


def test_nothing_is_told_if_the_size_is_set_or_fits_or_is_unknown(samples: list[Sample]) -> None:
    assert check_input_size(competition(224), config(size=224), samples, quick=False) == []
    assert check_input_size(competition(48), config(), samples, quick=False) == []
    assert check_input_size(competition(224), config(), samples[3:], quick=False) == []
    assert check_input_size(toy(), config(), samples, quick=False) == []


def test_a_quick_check_does_not_ask_the_backbone(samples: list[Sample]) -> None:
    (finding,) = check_input_size(competition(64), config(), samples, quick=True)
    assert "the input of resnet18 is usually 224 x 224" in finding.words
