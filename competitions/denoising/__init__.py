"""Denoising Dirty Documents: remove stains, folds and wrinkles from scanned pages.

Grey pages of 540 x 420 or 540 x 258 pixels. The target is the clean page; the metric is the root
mean squared error over all pixels. Several dirty pages have the same clean page, so folds are
grouped by the content of the clean page. The pages share a few sheets of paper: if enough pages are
on the same paper, it is recovered and given to the network with the page (`options.background`).
https://www.kaggle.com/competitions/denoising-dirty-documents
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from comp.config.section import Section
from comp.contract.competition import Competition
from comp.contract.metric import Metric
from comp.contract.metrics import rmse
from comp.contract.portable import Decode, Portable, ReadImage
from comp.contract.sample import Reader, Sample, Split
from comp.tasks.image_to_image import image_to_image

if TYPE_CHECKING:
    import numpy as np
    import torch

    from comp.config.schema import RunConfig
    from comp.contract.pipeline import Pipeline


class Options(Section):
    """The competition's own settings."""

    crop: int = Field(64, ge=32, description="side of the square training crops, in pixels")
    jitter: float = Field(
        0.0,
        ge=0,
        le=1,
        description="share of training crops with a mild change of brightness, contrast and noise",
    )
    background: Literal["recovered", "single", "off"] = Field(
        "recovered",
        description="paper given to the network: recovered from all pages on the same paper, "
        "single (estimated from the page alone), or off",
    )
    single_share: float = Field(
        0.05,
        ge=0,
        le=1,
        description="share of training crops with the paper estimated from the page alone, so "
        "that the network also learns pages on an unknown paper",
    )


def samples(root: Path, split: Split) -> Sequence[Sample]:
    """The pages of a split; training pages have their clean page as target and group."""
    from competitions.denoising.samples import test_pages, train_pages

    return train_pages(root) if split == "train" else test_pages(root)


def reader(samples: Sequence[Sample], config: RunConfig, folder: Path) -> Reader:
    """A reader of pages with their papers as further channels."""
    from competitions.denoising.reader import PageReader

    assert isinstance(config.options, Options)
    return PageReader.read_all(samples, config.options.background, folder)


def pipeline(config: RunConfig, train: bool) -> Pipeline:
    """Random crops and flips of page and target together, without resizing."""
    from comp.data import steps as of
    from comp.data.albumentations_adapter import compose
    from competitions.denoising.choose_paper import ChoosePaper

    options = config.options
    assert isinstance(options, Options)
    steps: list[of.Step] = []
    if train:
        steps.append(of.RandomCrop(height=options.crop, width=options.crop))
    if train and config.loader.augment:
        steps += [of.HorizontalFlip(), of.VerticalFlip()]
        if options.jitter:
            light = of.RandomBrightnessContrast(brightness=0.08, contrast=0.08, p=options.jitter)
            noise = of.GaussNoise(std=(0.004, 0.012), per_channel=True, p=options.jitter)
            steps += [light, noise]
    if options.background == "recovered":
        share = options.single_share if train else 0.0
        steps.append(of.Own(made=ChoosePaper(share)))
    return compose(steps, masks=True)


def model(config: RunConfig) -> torch.nn.Module:
    """The small network (default), or an encoder-decoder on a timm backbone."""
    from competitions.denoising.network import build

    return build(config)


def rows(sample: Sample, prediction: np.ndarray, _decision: np.ndarray) -> Mapping[str, Any]:
    """One row per pixel: `<page>_<row>_<column>`, counted from 1, and its grey in 0..1."""
    from comp.submission.write import pixel_rows

    return pixel_rows(sample.id, prediction)


def bundle_settings(config: RunConfig) -> Mapping[str, Any]:
    """What the functions below need of the configuration."""
    from competitions.denoising.portable import settings

    return settings(config)


def bundle_network(settings: Mapping[str, Any]) -> torch.nn.Module:
    """The network of `model` for a bundle."""
    from competitions.denoising.portable import network

    return network(settings)


def bundle_reader(
    images: Sequence[Any], root: Path, decode: Decode, settings: Mapping[str, Any]
) -> ReadImage:
    """The reader of test pages for a bundle."""
    from competitions.denoising.portable import reader

    return reader(images, root, decode, settings)


def draw_synthetic(root: Path, rng: np.random.Generator) -> None:
    """Draw pages of text on dirty papers."""
    from competitions.denoising.synthetic_pages import draw_pages

    draw_pages(root, rng)


COMPETITION = Competition(
    name="denoising",
    title="Denoising Dirty Documents",
    kaggle="competitions/denoising-dirty-documents",
    task=image_to_image(),
    metric=Metric(
        name="RMSE",
        score=rmse,
        direction="min",
        medals={"gold": 0.01794, "silver": 0.02609, "bronze": 0.04517, "median": 0.07325},
    ),
    samples=samples,
    group="clean page",
    layout=("train", "train_cleaned", "test"),
    reader=reader,
    pipeline=pipeline,
    model=model,
    rows=rows,
    limits=(0.0, 1.0),
    portable=Portable(
        settings=bundle_settings,
        network=bundle_network,
        reader=bundle_reader,
        rows={"kind": "pixels", "id_column": "id", "value_column": "value"},
    ),
    draw_synthetic=draw_synthetic,
    options=Options,
    defaults={
        "backbone": "pagenet",
        "epochs": 12,
        "validations": 3,
        "optim": {
            "name": "muon",
            "lr": 2.5e-3,
            "betas": [0.9, 0.99],
            "weight_decay": 1e-4,
            "clip_norm": 0.1,
        },
        "loader": {"batch_size": 8, "repeats": 16},
        "predict": {"tta": "flips", "batch_size": 4},
    },
)
