"""The first batch of a fold, augmented as the network saw it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from comp.config.schema import RunConfig
from comp.contract.pipeline import Pipeline
from comp.contract.sample import Sample
from comp.data.dataset import DRAWS, Batch, ResumableBatchSampler, SampleSet, to_unit
from comp.data.dropped import trained
from comp.data.folds import split
from comp.data.pipelines import pipeline_of
from comp.data.sample_weights import draw_weights
from comp.errors import CompError
from comp.features.prepared import fold_features
from comp.page.words import Text, say
from comp.pipeline.members import member_config, network_names
from comp.pipeline.pseudo_labels import POINTER
from comp.review.facts import RunFacts


@dataclass(frozen=True, kw_only=True)
class SeenSample:
    """A sample of the batch."""

    sample: Sample
    file: np.ndarray
    """The image before it is augmented, uint8 (H, W, C)."""
    seen: np.ndarray
    """What the network gets, uint8 (h, w, C)."""
    target: np.ndarray | None
    """An image target, augmented alike, float (h, w, K) in 0..1; None of numbers."""


class NotShownError(Exception):
    """The batch cannot be shown; `why` is for the reader."""

    def __init__(self, why: Text) -> None:
        super().__init__(str(why))
        self.why = why


def first_batch(facts: RunFacts, fold: int, most: int) -> list[SeenSample]:
    """The first samples of the first batch of a fold, drawn and augmented with the seeds of the
    run.

    Raises:
        NotShownError: this cannot be repeated here.
    """
    config = network_config(facts)
    try:
        train = _training_samples(facts, config, fold)
        return _augmented(facts, config, fold, train, most)
    except (CompError, OSError, KeyError) as error:
        raise NotShownError(str(error)) from None


def network_config(facts: RunFacts) -> RunConfig:
    """The configuration of the first network of a run.

    Raises:
        NotShownError: it has none, is a blend, trains on stored features, or on pseudo-labels.
    """
    oof = facts.oof
    assert oof is not None
    if facts.record.get("blend"):
        raise NotShownError(say("this run blends others and does not train itself"))
    names, folder = network_names(oof.config), facts.folder.reader_folder
    if not names:
        raise NotShownError(say("no model of this run is a network that trains on images"))
    try:
        if fold_features(oof.config, folder, oof.data.root):
            words = say(
                "the network trained on stored features of its frozen layers, not on images"
            )
            raise NotShownError(words)
        if (folder / POINTER).is_file():
            raise NotShownError(say("the run trained on pseudo-labels too"))
    except CompError as error:
        raise NotShownError(str(error)) from None
    return member_config(oof.config, names[0])


def _training_samples(facts: RunFacts, config: RunConfig, fold: int) -> Sequence[Sample]:
    assert facts.oof is not None
    part, _ = split(facts.oof.data.train, facts.oof.data.folds, fold, config.scheme)
    return trained(part, config.drop, facts.folder.reader_folder)


def _augmented(
    facts: RunFacts, config: RunConfig, fold: int, train: Sequence[Sample], most: int
) -> list[SeenSample]:
    competition, reader = facts.competition, facts.reader
    assert reader is not None
    draws = ResumableBatchSampler(
        len(train),
        config.loader.batch_size,
        1,
        seed=(config.seed, fold),
        weights=draw_weights(competition, config, train),
    )
    pipeline = pipeline_of(competition, config, True)
    dataset = SampleSet(train, reader, pipeline, competition.task.encode, ("image",))
    found = []
    for index, seed in next(iter(draws))[:most]:
        batch = changed_on_device(pipeline, dataset[index, seed])
        image, target = batch["image"].numpy(), None
        if competition.task.output == "image" and "target" in batch:
            target = _unit(batch["target"].numpy()).transpose(1, 2, 0)
        found.append(
            SeenSample(
                sample=train[index],
                file=_shown(np.asarray(reader(train[index])["image"])),
                seen=_shown(image.transpose(1, 2, 0)),
                target=target,
            )
        )
    return found


def changed_on_device(pipeline: Pipeline, batch: Batch) -> Batch:
    """A sample after what the pipeline leaves to the device."""
    if pipeline.on_batch is None:
        return batch
    image, target = to_unit(batch["image"][None]), batch.get("target")
    given = None if target is None else to_unit(target[None])
    image, moved = pipeline.on_batch(image, given, batch[DRAWS][None])
    return {"image": image[0]} | ({} if moved is None else {"target": moved[0]})


def _shown(image: np.ndarray) -> np.ndarray:
    pixels: np.ndarray = (_unit(image) * 255).round().astype(np.uint8)
    return pixels


def _unit(values: np.ndarray) -> np.ndarray:
    """Values in 0..1 for the eye; numbers outside of this range are stretched into it."""
    if values.dtype == np.uint8:
        return values.astype(np.float32) / 255
    shown = np.nan_to_num(values.astype(np.float32))
    low, high = float(shown.min()), float(shown.max())
    if low < 0 or high > 1:
        shown = (shown - low) / max(high - low, 1e-9)
    return shown
