"""Embeddings of images: the pooled features of a pretrained backbone, before its classifier."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from comp.config.head import HeadConfig
from comp.config.image_size import height_and_width
from comp.config.schema import RunConfig
from comp.config.sections import ThawConfig
from comp.contract.competition import Competition
from comp.contract.sample import Reader, Sample
from comp.data.dataset import memory_format
from comp.errors import ConfigError, DataError, RunError
from comp.features.compute import features_of, progress_of
from comp.features.plan import (
    Plan,
    backbone_facts,
    digest_images,
    digest_weights,
    pipeline_texts,
)
from comp.features.store import FeatureStore, find_store, why_no_room, write_store
from comp.files import read_json, write_json
from comp.models.classifier import build_classifier
from comp.runs.progress import Reporter, Silent
from comp.training.device import (
    choose_device,
    choose_precision,
    explain_out_of_memory,
    less_memory_to_predict,
    make_accelerator,
)

RECORD = "embeddings.json"


def embed_samples(
    competition: Competition,
    config: RunConfig,
    samples: Sequence[Sample],
    reader: Reader,
    caches: Path | None = None,
    reporter: Reporter | None = None,
    digest: str | None = None,
) -> np.ndarray:
    """The embeddings of samples, in their order: float32 (N, D).

    They are those of the un-augmented images, from `config.backbone` with its pretrained weights,
    whatever `freeze` and `head` say.

    Args:
        reader: reads the images of the samples.
        caches: contains all caches of features; None: nothing is cached.
        digest: of the images; None: they are read once more for it.

    Raises:
        ConfigError: the weights are random, or the backbone has no embeddings.
        DataError: an embedding is not finite.
    """
    reporter = reporter or Silent()
    if caches and digest is None:
        digest, _ = digest_images(samples, reader, progress_of(reporter, "reading"))
    found = _Embedding(competition, config, samples, reader, reporter)
    store = found.stored(caches, digest) if caches and digest else None
    if store:
        return store.plain(range(len(samples)))[:, 0]
    return found.computed()


def store_embeddings(
    competition: Competition,
    config: RunConfig,
    samples: Sequence[Sample],
    reader: Reader,
    caches: Path,
    reporter: Reporter,
    digest: str | None,
    root: Path | None = None,
) -> FeatureStore:
    """A cache with the embeddings of samples, which is made unless it exists.

    Args:
        digest: of the images; None: they are read once more.
        root: the folder of the data, to which paths in the cache are relative.

    Raises:
        ConfigError: as `embed_samples` does, or the disk has no room for the cache.
    """
    if digest is None:
        digest, _ = digest_images(samples, reader, progress_of(reporter, "reading"))
    found = _Embedding(competition, config, samples, reader, reporter)
    found.plan = replace(found.plan, root=root)
    store = found.stored(caches, digest)
    if store is None:
        raise ConfigError(f"{why_no_room(caches, found.plan)}: make room")
    return store


class _Embedding:
    """The embeddings of samples, which are not computed yet."""

    def __init__(
        self,
        competition: Competition,
        config: RunConfig,
        samples: Sequence[Sample],
        reader: Reader,
        reporter: Reporter,
    ) -> None:
        check_pretrained(config)
        if not samples:
            raise ConfigError("there are no samples to embed: choose another split, or other ids")
        self.config, self.reader, self.reporter = config, reader, reporter
        self.device = choose_device(config.device)
        self.pipeline = competition.pipeline(config, False)
        model = _backbone(config)
        self.model = model.to(self.device, memory_format=memory_format(config))
        texts = pipeline_texts(competition, config, (False,))
        self.plan = self._plan(samples, texts)

    def _plan(self, samples: Sequence[Sample], pipelines: Sequence[str]) -> Plan:
        spec = self.model.input_spec
        sides = height_and_width(spec.size)
        blank = torch.zeros(1, spec.channels, *sides, device=self.device)
        with torch.inference_mode():
            width = pooled_features(self.model, blank).shape[1]
        return Plan(
            samples=samples,
            training=0,
            views=0,
            symmetries="none",
            copies=1,
            shape=(width,),
            network={
                **backbone_record(self.model, self.config),
                "embedding": True,
                "pipelines": pipelines,
                "device": self.device.type,
                "precision": choose_precision(self.config.precision, self.device),
            },
        )

    def stored(self, caches: Path, digest: str) -> FeatureStore | None:
        """Their cache, which is made unless it exists; None if there is no room for it."""
        stores = (find_store(caches / key, self.plan) for key in self.plan.keys(digest))
        store, folder = next(filter(None, stores), None), caches / self.plan.key(digest)
        if store is None and not why_no_room(caches, self.plan):
            store = write_store(folder, self.plan, self._batches(), {"network": self.plan.network})
        return store

    def computed(self) -> np.ndarray:
        """Their values, float32 (N, D)."""
        values = np.concatenate(list(self._batches()))[:, 0]
        if not np.isfinite(values).all():
            raise DataError(
                f"embeddings of {self.config.backbone} are not finite: set precision=fp32, or use "
                "another backbone"
            )
        return values

    def _batches(self) -> Iterator[np.ndarray]:
        config = self.config
        accelerator = make_accelerator(self.device, choose_precision(config.precision, self.device))
        with explain_out_of_memory(less_memory_to_predict(config)):
            yield from features_of(
                self.plan,
                partial(pooled_features, self.model),
                self.reader,
                (self.pipeline, self.pipeline),
                config,
                accelerator,
                progress_of(self.reporter, "embedding"),
            )


def check_pretrained(config: RunConfig) -> None:
    """Check that the configuration has a backbone with pretrained weights.

    Raises:
        ConfigError: it does not.
    """
    if not config.pretrained and config.weights is None:
        raise ConfigError(
            f"the weights of {config.backbone or 'the network'} are random, and so would be the "
            "embeddings: give --weights FILE, or --pretrained"
        )


def _backbone(config: RunConfig) -> Any:
    """The classifier of the configuration, without a changed head, in evaluation mode."""
    changes = {"freeze": "none", "thaw": ThawConfig(), "head": HeadConfig()}
    return build_classifier(config.model_copy(update=changes), 1).eval()


def pooled_features(model: Any, images: Tensor) -> Tensor:
    """What the classifier of a timm backbone gets: float (N, D), for images (N, C, H, W) in 0..1.

    Raises:
        ConfigError: the backbone does not return one vector for each image.
    """
    backbone = model.backbone
    name = type(backbone).__name__
    try:
        features = backbone.forward_features((images - model.mean) / model.std)
        pooled = backbone.forward_head(features, pre_logits=True)
    except AttributeError as error:
        raise ConfigError(
            f"{name} has no embeddings ({error}): use another backbone, such as resnet34"
        ) from None
    vectors = pooled.flatten(1) if isinstance(pooled, Tensor) else None
    if vectors is None or len(vectors) != len(images):
        raise ConfigError(
            f"{name} does not return one vector for each image: use another backbone, such as "
            "resnet34"
        )
    return vectors


def backbone_record(model: Any, config: RunConfig) -> dict[str, Any]:
    """What decides the embedding of an image besides its pixels, as JSON.

    Args:
        model: a classifier on `config.backbone`.
    """
    heads = _classifier_names(model)
    names = [name for name in model.backbone.state_dict() if not name.startswith(heads)]
    return {
        **backbone_facts(config),
        "weights": digest_weights(model.backbone, names),
        "mean": list(model.input_spec.mean),
        "std": list(model.input_spec.std),
    }


def backbone_record_of(store: FeatureStore) -> dict[str, Any]:
    """The `backbone_record` of the embeddings in a cache."""
    keys = ("backbone", "arguments", "weights", "mean", "std")
    network = store.index["network"]
    return {key: network[key] for key in keys if key in network}


def save_backbone_record(store: FeatureStore, folder: Path) -> None:
    """Write which backbone made the embeddings that a model learns from, beside the model."""
    write_json(folder / RECORD, backbone_record_of(store))


def check_backbone_record(config: RunConfig, folder: Path) -> None:
    """Check that embeddings have the backbone and the weights that the model in `folder` knows.

    Raises:
        RunError: they have others, or the file is missing or damaged.
    """
    try:
        recorded = read_json(folder / RECORD)
    except (OSError, ValueError) as error:
        raise RunError(f"cannot read {folder / RECORD} ({error}): train the fold again") from None
    check_pretrained(config)
    record = backbone_record(_backbone(config), config)
    if recorded != record:
        raise RunError(
            f"the weights of {config.backbone} are not those of the embeddings that the models of "
            "the run know: put the file of weights back, or start a new run"
        )


def _classifier_names(model: Any) -> tuple[str, ...]:
    """The beginnings of the names of the weights of the classifier, which are new in each build."""
    names = model.backbone.pretrained_cfg.get("classifier") or ()
    return tuple(f"{name}." for name in ((names,) if isinstance(names, str) else names))
