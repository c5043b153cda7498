"""Decide whether a run trains on cached features, and compute them before the first fold.

All folds share the features: the frozen weights are the same in each of them. They are those of
the whole network, in evaluation mode; the checkpoints of a fold contain the whole network too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from torch import nn

from comp.config.model import ESTIMATORS
from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.data.dataset import memory_format
from comp.data.images.prepare import make_reader
from comp.data.images.prepared import PreparedImages
from comp.data.pipelines import on_cpu, pipeline_of
from comp.errors import ConfigError, RunError
from comp.features.compute import features_of, progress_of
from comp.features.embeddings import store_embeddings
from comp.features.plan import (
    Plan,
    backbone_facts,
    digest_images,
    digest_weights,
    pipeline_texts,
)
from comp.features.prepared import PreparedFeatures
from comp.features.store import FeatureStore, find_store, why_no_room, write_store
from comp.features.time_limit import TooSlowError, limited
from comp.inference.tta import SYMMETRIES, resolve_tta
from comp.models.classifier import Classifier
from comp.models.cut import Cut, find_cut
from comp.runs.progress import Reporter
from comp.training.device import (
    choose_device,
    choose_precision,
    explain_out_of_memory,
    less_memory_to_predict,
    make_accelerator,
)
from comp.training.elsewhere import lacks_device


def why_not_cached(competition: Competition, config: RunConfig, model: nn.Module) -> str:
    """Why the features of a run cannot be cached; "" if they can, unless the network cannot be cut.

    Args:
        model: the network of a fold, with its frozen stages.
    """
    network: Any = model
    if config.freeze in ("none", 0):
        return "no stage is frozen (freeze = none)"
    if config.thaw.how != "never":
        return f"frozen stages train later (thaw.how = {config.thaw.how})"
    if type(model) is not Classifier or competition.inputs != ("image",):
        return f"{type(model).__name__} is not a classifier of images alone on a timm backbone"
    if competition.columns:
        return "columns of the table go into the head"
    if network.origin.kind == "none":
        return "the frozen weights are random, and differ from fold to fold"
    if config.loader.cutmix:
        return f"CutMix pastes parts of images (loader.cutmix = {config.loader.cutmix})"
    if config.compile:
        return "the network is compiled (compile = true)"
    if lacks_device():
        return "the GPUs are on other machines"
    return ""


def prepare_features(
    competition: Competition,
    config: RunConfig,
    model: nn.Module | None,
    samples: tuple[Sequence[Sample], Sequence[Sample]],
    images: PreparedImages,
    caches: Path,
    reporter: Reporter,
) -> PreparedFeatures:
    """Compute the features and the embeddings of all samples, unless they exist, that the models of
    the configuration need.

    Args:
        model: the network of a fold, with its frozen stages; None: the run trains none.
        samples: those of the training and of the test data.
        caches: contains all caches of features.

    Raises:
        ConfigError: `features.cache` is true, and they cannot be cached; or an estimator needs
            embeddings, and there are none.
        DataError: features are not finite, or too large for float16.
        DiskError: the disk cannot be written.
    """
    found = PreparedFeatures()
    if model is not None:
        found = _prepare_frozen(competition, config, model, samples, images, caches, reporter)
    every = [*samples[0], *samples[1]]
    if not set(config.model) & set(ESTIMATORS) or not any(sample.image for sample in every):
        return found
    with TemporaryDirectory() as scratch:
        images.write_pointer(Path(scratch))
        reader = make_reader(competition, every, config, Path(scratch))
        digest = images.cache.name if images.cache else None
        store = store_embeddings(
            competition, config, every, reader, caches, reporter, digest, images.root
        )
    return replace(found, embeddings=store.folder, root=images.root)


def _prepare_frozen(
    competition: Competition,
    config: RunConfig,
    model: nn.Module,
    samples: tuple[Sequence[Sample], Sequence[Sample]],
    images: PreparedImages,
    caches: Path,
    reporter: Reporter,
) -> PreparedFeatures:
    """Compute what the frozen stages return, if the configuration asks for it."""
    if not _wanted(config):
        return PreparedFeatures()
    reason = why_not_cached(competition, config, model)
    cut = None if reason else find_cut(model)
    if not reason and cut is None:
        reason = f"{config.backbone} cannot be cut behind its frozen stages"
    if cut is None:
        return _without(config, reason)
    plan = replace(_plan(competition, config, model, cut, samples), root=images.root)
    with TemporaryDirectory() as scratch:
        images.write_pointer(Path(scratch))
        reader = make_reader(competition, plan.samples, config, Path(scratch))
        digest, changed = images.cache.name if images.cache else "", ""
        if images.cache is None:
            digest, changed = digest_images(plan.samples, reader, progress_of(reporter, "reading"))
        if changed:
            return _without(config, f"the reader changes the target of sample {changed}")
        for key in plan.keys(digest):
            if find_store(caches / key, plan):
                return PreparedFeatures(caches / key, root=images.root)
        folder = caches / plan.key(digest)
        reason = why_no_room(caches, plan)
        if reason:
            return _without(config, reason)
        whole = on_cpu(config)
        pipelines = pipeline_of(competition, whole, False), pipeline_of(competition, whole, True)
        device = choose_device(config.device)
        accelerator = make_accelerator(device, choose_precision(config.precision, device))
        network = lower_part(model, cut, config, device)
        counted = limited(progress_of(reporter, "features"), config)
        facts = {"cut": cut.record(), "network": plan.network}
        try:
            with explain_out_of_memory(less_memory_to_predict(config)):
                found = features_of(plan, network, reader, pipelines, config, accelerator, counted)
                write_store(folder, plan, found, facts)
        except TooSlowError as error:
            return replace(_without(config, str(error)), given_up=True)
    return PreparedFeatures(folder, root=images.root)


def _wanted(config: RunConfig) -> bool:
    cache = config.features.cache
    if isinstance(cache, bool):
        return cache
    partly = cache == "partial" and config.freeze not in ("none", 0)
    return (config.freeze == "all" or partly) and config.thaw.how == "never"


def _without(config: RunConfig, reason: str) -> PreparedFeatures:
    """No cache, with a note; an error if the user has asked for it."""
    if config.features.cache is True:
        raise ConfigError(
            f"features.cache = true, but {reason}: change that, or set features.cache=false"
        )
    return PreparedFeatures(note=f"no cache of features, so all layers run in each step: {reason}")


def lower_part(model: Any, cut: Cut, config: RunConfig, device: Any) -> Any:
    """The frozen part of a classifier as a function of images in 0..1, on the device."""
    model.to(device, memory_format=memory_format(config)).eval()

    def network(images: Any) -> Any:
        return cut.lower(model.backbone, (images - model.mean) / model.std)

    return network


def frozen_names(model: Any, count: int) -> list[str]:
    """The names of the parameters and buffers of the first `count` stages of a backbone."""
    stages = model.stages[:count]
    parameters = {name for stage in stages for name in stage.parameters}
    modules = {name for stage in stages for name in stage.modules}
    state = model.backbone.state_dict()
    return [name for name in state if name in parameters or name.rpartition(".")[0] in modules]


def _plan(
    competition: Competition,
    config: RunConfig,
    model: Any,
    cut: Cut,
    samples: tuple[Sequence[Sample], Sequence[Sample]],
) -> Plan:
    train, test = samples
    symmetries = resolve_tta(competition, config)
    views = config.features.views if config.loader.augment else 0
    device = choose_device(config.device)
    spec = model.input_spec
    return Plan(
        samples=[*train, *test],
        training=len(train),
        views=views,
        symmetries=symmetries,
        copies=len(SYMMETRIES[symmetries]),
        shape=cut.shape,
        network={
            **backbone_facts(config),
            "frozen": model.frozen,
            "border": cut.border,
            "weights": digest_weights(model.backbone, frozen_names(model, model.frozen)),
            "mean": list(spec.mean),
            "std": list(spec.std),
            "pipelines": pipeline_texts(competition, config, (False, views > 0)),
            "seed": config.seed if views else None,
            "device": device.type,
            "precision": choose_precision(config.precision, device),
        },
    )


def train_on_features(model: Any, store: FeatureStore) -> None:
    """Let a new classifier take the features of a cache instead of images.

    Raises:
        RunError: its frozen weights are not those that computed the features.
    """
    index = store.index
    network = index["network"]
    weights = digest_weights(model.backbone, frozen_names(model, network["frozen"]))
    if weights != network["weights"]:
        raise RunError(
            f"the frozen weights are not those of the features in {store.folder}: start a new run, "
            "or set features.cache=false"
        )
    model.cut = Cut.from_record(index["cut"])
