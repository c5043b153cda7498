"""The inputs of a run with a budget, of which only numbers matter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from toys import toy

from comp.config.schema import RunConfig, resolve
from comp.contract.competition import ImageSpec
from comp.contract.sample import Sample
from comp.data.images.prepared import PreparedImages
from comp.data.location import DataSource
from comp.features.prepared import PreparedFeatures
from comp.pipeline.run_inputs import RunInputs


def spec(config: RunConfig) -> ImageSpec:
    return ImageSpec(size=config.image.size or 224)


def inputs(budget: float, **values: Any) -> RunInputs:
    keys: dict[str, Any] = {"predict": {"tta": "hflip"}, "validations": 1} | values
    keys["report"] = {"write": False, "notes": False}
    samples = [Sample(id=str(i), target=0.0) for i in range(100)]
    return RunInputs(
        competition=toy(classes=("a", "b"), image_spec=spec),
        config=resolve("toy", [keys | {"budget": budget}]),
        source=DataSource(Path(), synthetic=False),
        train=samples,
        test=samples,
        folds={},
        folds_to_train=range(5),
        device="cpu",
        precision="fp32",
        images=PreparedImages(),
        features=PreparedFeatures(),
        external=(),
        weights_origin=None,
    )
