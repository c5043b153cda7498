"""fastai: the recipes of its documentation, with the timm backbone that all programs have.

- Classes: `vision_learner` and `fine_tune`, images at 224 pixels with `RandomResizedCrop` and
  `aug_transforms` (https://docs.fast.ai/quick_start.html,
  https://github.com/fastai/fastbook/blob/master/02_production.ipynb).
- Masks: `unet_learner` and `fine_tune` with `aug_transforms`, batches of 8
  (https://docs.fast.ai/tutorial.vision.html, segmentation). The U-Net has the stages of the timm
  backbone as its encoder.
- Pages: `unet_learner` from image to image with the mean squared error, as its course does
  (https://github.com/fastai/course-v3/blob/master/nbs/dl1/lesson7-superres-gan.ipynb), crops of 256
  pixels and flips.

fastai holds out a random fifth, and predicts with the last weights. It is given epochs, not
seconds: a few steps are timed, then as many epochs run as fit, after one with a frozen backbone.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import dense_data
import numpy as np
import pandas as pd
import timm
import torch
from contract import SPARE, Job, plan, read_job
from fastai.vision import all as vision
from PIL import Image

TIMED_STEPS = 2
VALIDATION = 0.2
SEED = 42


class Recipe(NamedTuple):
    """What a user writes down for a training."""

    block: vision.DataBlock
    learner: Callable[[vision.DataLoaders], vision.Learner]
    batch: int


class Clock(vision.Callback):
    """The times at which training batches ended."""

    def before_fit(self) -> None:
        """Begin without batches."""
        self.times: list[float] = []

    def after_batch(self) -> None:
        """Note the time."""
        if self.training:
            self.times.append(time.perf_counter())


class Normalized(torch.nn.Module):
    """Normalizes grey or colour pages, which fastai would do to the clean pages too."""

    def __init__(self, cfg: Mapping[str, Any]) -> None:
        """Keep mean and standard deviation."""
        super().__init__()
        self.register_buffer("mean", torch.tensor(cfg["mean"]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(cfg["std"]).view(1, 3, 1, 1))

    def forward(self, pages: torch.Tensor) -> torch.Tensor:
        """The pages, normalized."""
        return (pages - self.mean) / self.std


def stages(job: Job, normalize: bool) -> Callable[..., torch.nn.Module]:
    """A function that makes the stages of the backbone, which the U-Net looks through."""

    def make(pretrained: bool) -> torch.nn.Module:
        options = job.pretrained if pretrained else {}
        model = timm.create_model(job.backbone, **options)
        first = [Normalized(model.default_cfg)] * normalize + [model.conv_stem, model.bn1]
        return torch.nn.Sequential(torch.nn.Sequential(*first), *model.blocks)

    return make


def whole(model: torch.nn.Module) -> torch.nn.Module:
    """All stages: nothing is cut off."""
    return model


def block(x: Any, y: Any, get_y: Any, item: Any, batch: Any) -> vision.DataBlock:
    """Rows with an image and a target, of which a random fifth is held out."""
    return vision.DataBlock(
        blocks=(x, y),
        get_x=vision.ColReader("image"),
        get_y=get_y,
        splitter=vision.RandomSplitter(VALIDATION, seed=SEED),
        item_tfms=item,
        batch_tfms=batch,
    )


def classes(job: Job) -> Recipe:
    """A classifier."""
    known = vision.ColReader("target")
    crop = vision.RandomResizedCrop(job.size, min_scale=0.5)
    data = block(vision.ImageBlock, vision.CategoryBlock, known, crop, vision.aug_transforms())
    return Recipe(data, lambda dls: vision.vision_learner(dls, job.backbone, **job.pretrained), 64)


def mask_of(path: str) -> np.ndarray:
    """A mask of 0 and 1."""
    with Image.open(path) as file:
        return (np.array(file.convert("L")) > 0).astype(np.uint8)


def masks(job: Job) -> Recipe:
    """A U-Net of two classes of pixels."""
    cfg = timm.get_pretrained_cfg(job.backbone)
    item = vision.Resize(dense_data.SIDE, method=vision.ResizeMethod.Squish)
    batch = [*vision.aug_transforms(), vision.Normalize.from_stats(cfg.mean, cfg.std)]
    y = vision.MaskBlock(codes=["rest", "inside"])
    # a lambda, since fastai takes the types of a function as conditions
    data = block(vision.ImageBlock, y, lambda row: mask_of(row["target"]), item, batch)
    make = stages(job, normalize=False)
    pretrained = job.weights is not None
    return Recipe(
        data, lambda dls: vision.unet_learner(dls, make, cut=whole, pretrained=pretrained), 8
    )


def pages(job: Job) -> Recipe:
    """A U-Net from page to clean page."""
    crop = vision.RandomCrop(dense_data.CROP)
    flips = vision.aug_transforms(
        flip_vert=True, max_rotate=0, max_zoom=1, max_warp=0, max_lighting=0
    )
    y = vision.ImageBlock(vision.PILImageBW)
    data = block(vision.ImageBlock, y, vision.ColReader("target"), crop, flips)
    make = stages(job, normalize=True)
    options = {
        "cut": whole,
        "n_out": 1,
        "loss_func": vision.MSELossFlat(),
        "y_range": (0, 1),
        "blur": True,
        "pretrained": job.weights is not None,
    }
    return Recipe(data, lambda dls: vision.unet_learner(dls, make, **options), 8)


RECIPES: Mapping[str, Callable[[Job], Recipe]] = {
    "denoising": pages,
    "chest-xray": classes,
    "cats-dogs": classes,
    "salt": masks,
}


def fit(job: Job, recipe: Recipe, tests: int) -> tuple[vision.Learner, dict[str, Any]]:
    """Time a few steps, then train as many epochs as fit; returns the learner and notes."""
    frame = pd.DataFrame(job.rows("train")).sample(frac=1, random_state=SEED)
    batch = min(recipe.batch, max(2, len(frame) // 6))  # smaller for drawn data
    few = frame[: math.ceil((TIMED_STEPS + 1) * batch / (1 - VALIDATION)) + 1]
    clock, began = Clock(), time.perf_counter()
    timed = recipe.learner(recipe.block.dataloaders(few, bs=batch))
    timed.unfreeze()
    with timed.no_bar(), timed.no_logging():
        timed.fit_one_cycle(1, cbs=clock)
    start = clock.times[0] - began
    image = (clock.times[-1] - clock.times[0]) / (len(clock.times) - 1) / batch
    # a forward pass takes about a third of a step
    epoch = image * len(frame) * (1 - VALIDATION + VALIDATION / 3) + start / 3
    prediction = image * tests / 3 + start / 3
    if job.competition == "denoising":  # whole pages are larger than crops
        prediction *= 4
    epochs, share = plan(SPARE * job.left - start / 3 - prediction, epoch, extra=1)
    job.say(f"timed: {start:.1f} s to start, {image * batch:.2f} s a step")
    job.say(f"plan: 1 + {epochs} epochs, share {share:.3f}")
    used = frame[: max(2 * batch, round(share * len(frame)))]
    learner = recipe.learner(recipe.block.dataloaders(used, bs=batch))
    with learner.no_bar(), learner.no_logging():
        learner.fine_tune(epochs)
    images = (1 + epochs) * round(len(used) * (1 - VALIDATION))
    return learner, {"images": images, "epochs": 1 + epochs, "share of an epoch": round(share, 3)}


def whole_pages(learner: vision.Learner, rows: list[dict[str, str]]) -> list[torch.Tensor]:
    """The network's answers to whole pages, one after the other."""
    learner.model.eval()
    device = next(learner.model.parameters()).device
    with torch.no_grad():
        found = [
            learner.model(dense_data.grey(row["image"]).expand(1, 3, -1, -1).to(device))
            for row in rows
        ]
    return [answer[0].cpu() for answer in found]


def main() -> None:
    """Train, predict, write."""
    warnings.filterwarnings("ignore")
    job = read_job()
    job.say("imported")
    rows, recipe = job.rows("test"), RECIPES[job.competition](job)
    learner, facts = fit(job, recipe, len(rows))
    job.say("trained")
    ids = [row["id"] for row in rows]
    if job.competition == "denoising":
        answers: Any = whole_pages(learner, rows)
    else:
        with learner.no_bar(), learner.no_logging():
            found, _ = learner.get_preds(dl=learner.dls.test_dl(pd.DataFrame(rows)))
        answers = found[:, 1:2] if job.competition == "salt" else found[:, 1]
    if job.competition in dense_data.KINDS:
        job.write_arrays(ids, dense_data.to_files(job.competition, answers, rows))
    else:
        job.write_values(ids, answers)
    job.note(**facts)


if __name__ == "__main__":
    main()
