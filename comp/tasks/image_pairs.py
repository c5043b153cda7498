"""Images to images: folders of images, and of what they shall become.

`image_pairs` fills in the whole contract: a plugin has about 10 lines. The network adds a
correction to the image.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comp.config.nesting import merge
from comp.contract.competition import Competition
from comp.contract.metric import Metric
from comp.contract.metrics import RMSE
from comp.contract.sample import Reader, Sample, Split
from comp.data.text_table import read_text_table
from comp.errors import DataError
from comp.tasks.classification import refuse_unknown
from comp.tasks.image_to_image import image_to_image
from comp.tasks.mask_files import check_all_exist, images_of, masks_of
from comp.tasks.pair_groups import with_pair_groups

if TYPE_CHECKING:
    import numpy as np
    import torch

    from comp.config.schema import RunConfig
    from comp.contract.pipeline import Pipeline

DEFAULTS: Mapping[str, Any] = {
    "backbone": "resnet18",
    "pretrained": True,
    "epochs": 12,
    "validations": 3,
    "image": {"size": 96},
    "optim": {"name": "adamw", "lr": 1e-3, "weight_decay": 0.01},
    "loader": {"batch_size": 8, "repeats": 4},
    "predict": {"tta": "auto", "batch_size": 1},
}
"""Defaults of pairs of images; a plugin's own `defaults` override them."""

SYNTHETIC_DEFAULTS: Mapping[str, Any] = {
    "backbone": "test_resnet",
    "pretrained": False,
    "epochs": 4,
    "image": {"size": 48},
}
"""Defaults for synthetic data: timm's smallest ResNet from random weights."""

PIXEL = r"_\d+_\d+$"
"""The end of an id in the submission: `<image>_<row>_<column>`."""


@dataclass(frozen=True, kw_only=True)
class ImagePairs:
    """The folders of pairs of images, and the submission, which has a row for each pixel."""

    images: str
    targets: str
    """Folder of the targets, which have the names of the images; the suffix may differ."""
    test_images: str
    channels: int
    sample_submission: str | None
    id_column: str
    value_column: str

    def samples(self, root: Path, split: Split) -> Sequence[Sample]:
        """The images of a split; those with the same target are one group.

        Raises:
            DataError: an image has no target or the reverse, or the sample submission names other
                images.
        """
        return self._train(root) if split == "train" else self._test(root)

    def _train(self, root: Path) -> Sequence[Sample]:
        from comp.data.images.pairs import content_hash, image_size

        folder, targets = root / self.images, root / self.targets
        images = images_of(folder, ())
        files = images_of(targets, ())
        found = masks_of(images, folder, files)
        check_all_exist(images, found, targets)
        check_all_exist(files, images, folder)
        return [
            Sample(
                id=i,
                image=path,
                target=found[i],
                group=content_hash(found[i]),
                size=image_size(path),
            )
            for i, path in images.items()
        ]

    def _test(self, root: Path) -> Sequence[Sample]:
        from comp.data.images.pairs import image_size

        folder = root / self.test_images
        images = images_of(folder, ())
        ids: Sequence[str] = list(images)
        if self.sample_submission:
            ids = self._submitted(root / self.sample_submission)
            check_all_exist(ids, images, folder)
        return [Sample(id=i, image=images[i], size=image_size(images[i])) for i in ids]

    def _submitted(self, path: Path) -> list[str]:
        """The images of the sample submission, in its order."""
        frame = read_text_table(path)
        if frame.columns != [self.id_column, self.value_column]:
            raise DataError(
                f"{path} has the columns {', '.join(frame.columns)}, and the plugin writes "
                f"{self.id_column}, {self.value_column}: correct them in the plugin"
            )
        names = frame[self.id_column].str.replace(PIXEL, "")
        listed: list[str] = names.unique(maintain_order=True).to_list()
        return listed

    def reader(self, _samples: Sequence[Sample], _config: RunConfig, folder: Path) -> Reader:
        """A reader of images and targets with the channels of the plugin."""
        from comp.data.images.pairs import PairReader
        from comp.data.images.prepared import PreparedImages

        return PairReader(self.channels, PreparedImages.read_pointer(folder).value_range)

    def rows(
        self, sample: Sample, prediction: np.ndarray, _decision: np.ndarray
    ) -> Mapping[str, Any]:
        """One row per pixel: `<image>_<row>_<column>`, counted from 1, and its value in 0..1."""
        from comp.submission.write import pixel_rows

        written = pixel_rows(sample.id, prediction)
        return {self.id_column: written["id"], self.value_column: written["value"]}

    def draw(self, root: Path, rng: np.random.Generator) -> None:
        """Draw a small data set in this layout: stripes, and the same with noise."""
        import numpy as np

        from comp.data.images.decode import write_image
        from comp.data.synthetic_images import stripes
        from comp.tasks.table_files import write_table

        lines: list[list[str]] = []
        for i in range(24):
            clean = stripes(rng, i % 3, 3)[:64, :64]
            noise = rng.normal(0, 40, clean.shape[:2])[..., None]
            dirty = (clean + noise).clip(0, 255).astype(np.uint8)
            if i < 20:
                write_image(root / self.images / f"{i:02d}.png", dirty)
                write_image(root / self.targets / f"{i:02d}.png", clean)
                continue
            write_image(root / self.test_images / f"{i:02d}.png", dirty)
            height, width = clean.shape[:2]
            lines += [
                [f"{i:02d}_{r + 1}_{c + 1}", "1"] for r in range(height) for c in range(width)
            ]
        if self.sample_submission:
            write_table(root / self.sample_submission, [self.id_column, self.value_column], lines)


def image_pairs(
    *,
    name: str,
    title: str,
    kaggle: str,
    images: str = "train",
    targets: str = "train_cleaned",
    test_images: str = "test",
    channels: int = 1,
    metric: Metric | str = RMSE,
    sample_submission: str | None = "sampleSubmission.csv",
    id_column: str = "id",
    value_column: str = "value",
    group_pattern: str | None = None,
    **fields: Any,
) -> Competition:
    """A competition of images to images: each image of `images` has a target of the same name and
    size in `targets`. All images with the same target are in the same fold.

    Args:
        channels: 1 (grey) or 3 (colour, which needs `rows` of your own).
        sample_submission: Kaggle's file, with a row `<image>_<row>_<column>` for each pixel; None:
            all images of `test_images` are predicted, which needs `rows` of your own.
        id_column, value_column: the columns of the submission.
        group_pattern: regular expression with groups for the names of images, such as
            r"^(patient[0-9]+)_" for patient7_12.png; all pairs of a group are in the same fold.
            With a slash it is for paths in the data; see `image_table`.
        fields: further fields of `Competition`, such as `rows`.

    Raises:
        ValueError: the values contradict each other; a TypeError for an unknown argument.
    """
    refuse_unknown("image_pairs", fields, inspect.signature(image_pairs).parameters)
    _check(channels, sample_submission, fields)
    files = ImagePairs(
        images=images,
        targets=targets,
        test_images=test_images,
        channels=channels,
        sample_submission=sample_submission,
        id_column=id_column,
        value_column=value_column,
    )
    names = {"name": name, "title": title, "kaggle": kaggle, "metric": metric}
    defaults = {
        "defaults": merge(DEFAULTS, fields.get("defaults", {})),
        "synthetic_defaults": merge(SYNTHETIC_DEFAULTS, fields.get("synthetic_defaults", {})),
    }
    made = Competition(**_fields_of(files) | names | fields | defaults)
    return with_pair_groups(made, group_pattern)


def _check(channels: int, sample_submission: str | None, fields: Mapping[str, Any]) -> None:
    """Raise ValueError if the arguments contradict each other."""
    if channels not in (1, 3):
        raise ValueError(f"channels = {channels}: use 1 for grey images, or 3 for colour")
    if "rows" not in fields and (channels == 3 or sample_submission is None):
        found = "channels = 3" if channels == 3 else "sample_submission = None"
        raise ValueError(
            f"{found} needs rows: a function that writes a predicted image into the submission"
        )


def _fields_of(files: ImagePairs) -> dict[str, Any]:
    """The fields of `Competition` that follow from the files."""
    folders = {files.test_images: "test_images", files.targets: "targets", files.images: "images"}
    return {
        "task": image_to_image(files.channels),
        "samples": files.samples,
        "group": "target image",
        "layout": tuple(reversed(folders)),
        "file_arguments": {str(files.sample_submission): "sample_submission"} | folders,
        "sample_submission": files.sample_submission,
        "reader": files.reader,
        "pipeline": crop_and_flip,
        "model": partial(build, channels=files.channels),
        "rows": files.rows,
        "limits": (0.0, 1.0),
        "draw_synthetic": files.draw,
    }


def crop_and_flip(config: RunConfig, train: bool) -> Pipeline:
    """Random crops of `image.size` and flips of image and target together, in training only."""
    from comp.data.augment import flips, random_crop, with_steps

    crops = [random_crop(config.image.size or 96)] if train else []
    steps = flips(config.augment) if train and config.loader.augment else []
    return with_steps(config, crops, steps, masks=True)


def build(config: RunConfig, channels: int) -> torch.nn.Module:
    """The network: float (N, channels, H, W) in 0..1 to the corrected image."""
    from comp.models.image_corrector import build_corrector

    return build_corrector(config, channels)
