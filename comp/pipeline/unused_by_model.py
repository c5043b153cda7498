"""The keys that do nothing for the models of a run."""

from __future__ import annotations

from collections.abc import Iterator

from comp.config.model import ESTIMATORS, NETWORK
from comp.config.schema import RunConfig
from comp.config.section import Section
from comp.contract.competition import Competition
from comp.pipeline.members import network_names

IMAGES = (
    *("backbone", "pretrained", "weights", "backbone_args", "dropout", "drop_path", "freeze"),
    *("channels_last", "predict.tta", "predict.tile", "predict.overlap", "loader.augment"),
    *("loader.workers", "loader.mixup", "loader.cutmix"),
)
"""Keys that only a network of images reads."""
IMAGE_SECTIONS = ("image", "augment", "head", "thaw", "features")
"""Sections that only a network of images reads."""
TRAINING = (
    *("epochs", "max_steps", "validations", "patience", "checkpoint_every", "precision"),
    *("compile", "loader.batch_size", "loader.repeats", "predict.batch_size"),
)
"""Keys that only networks read."""


EMBEDDING = (
    *("backbone", "pretrained", "weights", "backbone_args", "channels_last", "loader.workers"),
    *("precision", "predict.batch_size"),
)
"""Keys that the embeddings of images read, and the section `image`."""


def unused_by_model(competition: Competition, config: RunConfig) -> Iterator[tuple[str, str]]:
    """(key, why it does nothing), by `config.model`."""
    for key, reason in _unused(config):
        embeds = key in EMBEDDING or key.startswith("image.")
        if not (embeds and may_embed(competition, config)):
            yield key, reason


def may_embed(competition: Competition, config: RunConfig) -> bool:
    """Whether a model may learn from the embeddings of images, if the samples have some."""
    images = bool(competition.image_spec) or not competition.columns
    return images and bool(set(ESTIMATORS) & set(config.model))


def _unused(config: RunConfig) -> Iterator[tuple[str, str]]:
    """As `unused_by_model`, of models that embed no image."""
    reason = f"model = {', '.join(config.model)}"
    if NETWORK not in config.model:
        yield from ((key, reason) for key in IMAGES)
        for name in IMAGE_SECTIONS:
            yield from _keys(config, name, reason)
    if not network_names(config):
        yield from ((key, reason) for key in TRAINING)
        for name in ("loss", "optim", "average"):
            yield from _keys(config, name, reason)


def _keys(config: RunConfig, name: str, reason: str) -> Iterator[tuple[str, str]]:
    section = getattr(config, name, None)
    if isinstance(section, Section):
        yield from ((f"{name}.{key}", reason) for key in type(section).model_fields)
