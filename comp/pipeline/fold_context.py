"""What a fold needs, built from (config, fold, data folder, run folder) and nothing else."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import nn
from torch.utils.data import DataLoader

from comp.config.schema import RunConfig
from comp.contract import registry
from comp.contract.competition import Competition
from comp.contract.sample import Reader, Sample
from comp.data.batch_parts import MirroredParts
from comp.data.columns.reader import ColumnReader, RowBatchSampler, RowSet
from comp.data.cores import cores
from comp.data.dataset import (
    Batch,
    ResumableBatchSampler,
    SampleSet,
    train_loader,
    worker_count,
    workers_of_rank,
)
from comp.data.dropped import trained
from comp.data.folds import read_folds, split
from comp.data.images.prepare import make_reader, without_skipped
from comp.data.images.prepared import PreparedImages
from comp.data.plugin_arrays import is_from_comp
from comp.data.reading_threads import by_threads
from comp.data.sample_weights import draw_weights, loss_weights
from comp.data.units import pooled
from comp.features.prepare import train_on_features
from comp.features.prepared import fold_features
from comp.features.prepared import read_pointer as read_pointer_of_features
from comp.features.samples import FeaturePredictor, FeatureSet, feature_predictor, trained_copies
from comp.features.store import FeatureStore
from comp.inference import oof
from comp.inference.predict import Predictor, predictor_of
from comp.inference.predictions import Repeatable
from comp.inference.rows import RowPredictor
from comp.pipeline.fold_columns import FoldColumns, columns_reader, on_columns
from comp.pipeline.kept_samples import samples_of_run
from comp.pipeline.limited_test import limited
from comp.pipeline.pseudo_fold import FoldPseudo, read_fold_pseudo
from comp.pipeline.rank_checks import is_mixed
from comp.runs.folder import RunFolder
from comp.training.device import choose_device, choose_precision, make_accelerator
from comp.training.loader_memory import check_shared_memory
from comp.training.ranks import ALONE, Ranks


@dataclass(frozen=True, kw_only=True)
class FoldContext:
    """Everything that the training and the prediction of a fold need. The full model of a run is
    the fold after the last one: `held_out` is then empty."""

    competition: Competition
    config: RunConfig
    fold: int
    train: Sequence[Sample]
    held_out: Sequence[Sample]
    test: Sequence[Sample]
    reader: Reader
    accelerator: Accelerator
    columns: FoldColumns | None = None
    """The treatment of the columns, if the competition has them."""
    features: FeatureStore | None = None
    """What the frozen stages return; None: each step runs them again."""
    embeddings: FeatureStore | None = None
    """The embeddings of all images of the run, if one of its models learns from them."""
    pseudo: FoldPseudo | None = None
    """The samples with pseudo-labels, which are the last of `train`."""
    ranks: Ranks = ALONE
    """The processes that train the fold together, in a training."""
    origin: tuple[RunConfig, Path, Path] | None = None
    """The configuration, data folder and run folder from which the context was made."""

    @property
    def labelled(self) -> Sequence[Sample]:
        """The training samples without those that have pseudo-labels."""
        count = len(self.pseudo.samples) if self.pseudo else 0
        return self.train[: len(self.train) - count]

    @property
    def learned(self) -> Sequence[Sample]:
        """The training samples with the targets of the loss: pseudo-labels may be soft."""
        return [*self.labelled, *self.pseudo.learned] if self.pseudo else self.train

    @property
    def epoch_steps(self) -> int:
        """Optimizer steps in one pass over the training samples."""
        return epoch_steps(self.config, len(self.train))

    def batch_sampler(self, steps: int, after: int = 0) -> ResumableBatchSampler:
        """The sampler of the training batches of `steps` optimizer steps, without the first
        `after` steps."""
        config = self.config
        kind = ResumableBatchSampler if "image" in self.competition.inputs else RowBatchSampler
        return kind(
            len(self.train),
            config.loader.batch_size,
            steps * config.optim.accumulate,
            seed=(config.seed, self.fold),
            start=after * config.optim.accumulate,
            weights=draw_weights(self.competition, config, self.train),
        )

    def batches(self, steps: int, after: int = 0) -> DataLoader[Batch]:
        """The training batches of `steps` optimizer steps, without the first `after` steps."""
        dataset, device = self.dataset(), self.accelerator.device
        sampler: Any = self.batch_sampler(steps, after)
        if not self.ranks.alone and is_mixed(self.config):
            sampler = MirroredParts(sampler, self.ranks.size)
        workers = workers_of_rank(self.config.loader.workers, self.ranks.local_size, device)
        workers = worker_count(0 if isinstance(dataset, RowSet) else workers, device)
        check_shared_memory(dataset, sampler, workers, device)
        several = not workers and is_from_comp(self.competition.task.encode)
        threads = cores() // self.ranks.local_size if several else 1
        return train_loader(by_threads(dataset, threads), sampler, workers, device)

    def new_model(self) -> nn.Module:
        """A new network, for images or rows, or for features if they are cached."""
        model = self.competition.model(self.config)
        if self.competition.task.prepare:
            self.competition.task.prepare(model, list(self.train))
        if self.features:
            train_on_features(model, self.features)
        return model

    def dataset(self) -> SampleSet | RowSet | FeatureSet:
        """The training samples, augmented and encoded."""
        competition = self.competition
        encode, inputs = competition.task.encode, competition.inputs
        encode = self.pseudo.encode if self.pseudo else encode
        weights, train = loss_weights(self.train), self.learned
        if self.features:
            copies = trained_copies(competition, self.config, self.features)
            return FeatureSet(train, self.features, encode, weights, copies)
        if isinstance(self.reader, ColumnReader) and self.reader.images is None:
            return RowSet(train, self.reader, encode, inputs, weights)
        pipeline = competition.pipeline(self.config, True)
        return SampleSet(train, self.reader, pipeline, encode, inputs, weights)

    def predictor(
        self, model: nn.Module, config: RunConfig | None = None
    ) -> Predictor | RowPredictor | FeaturePredictor:
        """A predictor with `model`, with the fold's configuration unless `config` is given."""
        competition, config = self.competition, config or self.config
        if self.features:
            return feature_predictor(competition, config, model, self.features, self.accelerator)
        return predictor_of(competition, config, model, self.reader, self.accelerator)

    def predict(
        self, model: nn.Module, samples: Sequence[Sample], config: RunConfig | None = None
    ) -> Iterator[tuple[Sample, np.ndarray]]:
        """Yield the prediction of each sample, or of each unit if the competition pools."""
        predictions = self.predictor(model, config)(samples)
        return pooled(predictions, samples, self.competition.pool)

    def predictions_are_finite(self, model: nn.Module) -> bool:
        """Whether all predictions of the held-out samples are finite."""
        predictions = self.predict(model, self.held_out)
        return all(bool(np.isfinite(values).all()) for _, values in predictions)

    def validate(self, model: nn.Module) -> float:
        """Score a model on the held-out samples, without test-time augmentation.

        A metric of decisions uses parameters that are fitted on these samples themselves: the score
        only compares the weights of one training with each other.
        """
        without_tta = self.config.predict.model_copy(update={"tta": "none"})
        config = self.config.model_copy(update={"predict": without_tta})
        return self.score(partial(self.predict, model, self.held_out, config))

    def score(self, predictions: Callable[[], Iterable[tuple[Sample, np.ndarray]]]) -> float:
        """Score predictions of held-out samples; decisions are fitted on them, unless they are
        images, whose decisions use the default parameters. NaN if nothing is held out.

        Args:
            predictions: returns them, each time from the start.
        """
        if not self.held_out:
            return math.nan
        competition, task = self.competition, self.competition.task
        repeatable = Repeatable(predictions)
        pairs = oof.OofPairs(task, lambda: repeatable, self.reader)
        params, decision = None, task.decision
        fit = decision.fit if decision and task.output == "numbers" else None
        if fit and competition.metric.takes == "decisions":
            params = fit(pairs, competition.metric, self.config.seed)
        return oof.score(competition, pairs, params)


def epoch_steps(config: RunConfig, samples: int) -> int:
    """Optimizer steps in one pass over `samples` training samples."""
    batch = config.loader.batch_size * config.optim.accumulate
    return math.ceil(samples * config.loader.repeats / batch)


def fold_seed(seed: int, fold: int) -> int:
    """A seed of 32 bits for one fold, which differs from those of the other folds."""
    return int(np.random.SeedSequence([seed, fold]).generate_state(1)[0])


def make_fold_context(config: RunConfig, fold: int, data: Path, folder: Path) -> FoldContext:
    """Read the samples, build what the fold needs, and seed every generator of this process.

    Args:
        config: of one model, as `comp.pipeline.members.member_config` returns it.
    """
    run = RunFolder(folder)
    competition = registry.get(config.competition)
    skipped = PreparedImages.read_pointer(run.reader_folder, data).skipped
    every = samples_of_run(competition, run, data)
    samples, test = (without_skipped(part, skipped) for part in every)
    part, held_out = split(samples, read_folds(run.folds_csv), fold, config.scheme)
    train = trained(part, config.drop, run.reader_folder)
    columns = FoldColumns.fit(config, samples, train) if competition.columns else None
    pseudo, other = read_fold_pseudo(competition, config, fold, run.reader_folder, test)
    known = [*samples, *test, *other]
    make_images = partial(make_reader, competition, known, config, run.reader_folder, data)
    device = choose_device(config.device)
    precision = choose_precision(config.precision, device)
    set_seed(fold_seed(config.seed, fold))
    reader = columns_reader(config, columns, known, make_images)
    seen = on_columns(competition, config, columns)
    return FoldContext(
        competition=pseudo.competition(seen) if pseudo else seen,
        config=config,
        fold=fold,
        train=[*train, *pseudo.samples] if pseudo else train,
        held_out=held_out,
        test=limited(run.reader_folder, test),
        reader=pseudo.reader(reader) if pseudo else reader,
        accelerator=make_accelerator(device, precision, config.optim.accumulate),
        columns=columns,
        features=fold_features(config, run.reader_folder, data),
        embeddings=read_pointer_of_features(run.reader_folder, "embeddings", data),
        pseudo=pseudo,
        origin=(config, data, folder),
    )
