"""The inputs of a run: configuration, samples and folds, checked before anything is written."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from comp.config.schema import RunConfig
from comp.contract import registry
from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.data.audit import findings as findings
from comp.data.audit.sample_checks import quick_checks
from comp.data.external import copies_of_scored, open_external, read_train, write_pointer
from comp.data.folds import Folds, folds_of, split, write_folds
from comp.data.groups import UNUSED
from comp.data.images.cache import PreparedImages
from comp.data.images.check_targets import check_target_images
from comp.data.images.prepare import make_reader, without_skipped
from comp.data.location import DataSource
from comp.data.sample_weights import loss_weights
from comp.data.units import units_of
from comp.errors import DataError, FoldError
from comp.features.prepare import PreparedFeatures
from comp.pipeline.adapted import check_networks
from comp.pipeline.fold_checks import check_training_parts, check_weighted_loss
from comp.pipeline.fold_context import make_fold_context
from comp.pipeline.members import member_config, network_names
from comp.pipeline.model_checks import CheckedModels, bytes_needed, check_models
from comp.pipeline.plugin_check import plugin_record
from comp.pipeline.preparation import Preparation
from comp.pipeline.reweighted import check_shares
from comp.runs.folder import RunFolder
from comp.runs.progress import Reporter
from comp.signals import stop_at_once
from comp.submission.blank import check_rows
from comp.training.device import choose_device, choose_precision, describe
from comp.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class RunInputs:
    """What a run works on.

    `folds` maps the id of each training sample to its fold. The run trains `folds_to_train`.
    `device` is a description of the device. `weights_origin` says where the network's weights came
    from; None if the network does not say it. `left_out` are folds for which the budget has no
    room. `columns` says what each column is, as JSON, and `column_notes` are for the user.
    `submission_s` is the time of writing and checking a submission, in seconds, and `bytes_needed`
    what the run needs on the disk, at most.
    """

    competition: Competition
    config: RunConfig
    source: DataSource
    train: Sequence[Sample]
    test: Sequence[Sample]
    folds: Folds
    folds_to_train: Sequence[int]
    device: str
    precision: str
    images: PreparedImages
    features: PreparedFeatures = field(default_factory=PreparedFeatures)
    external: Sequence[Path]
    weights_origin: Any
    columns: Mapping[str, Any] = field(default_factory=dict)
    column_notes: Sequence[str] = ()
    left_out: Sequence[int] = ()
    submission_s: float = 0.0
    bytes_needed: int = 0

    @property
    def unit(self) -> str:
        """What a training sample is, for messages."""
        return "images" if any(sample.image for sample in self.train) else "rows"

    def training_part(self, fold: int) -> Sequence[Sample]:
        """The training samples of a fold."""
        return split(self.train, self.folds, fold, self.config.scheme)[0]

    def write_pointers(self, folder: RunFolder) -> None:
        """Write where each fold of the run finds the cached images, their features, and the
        external data."""
        self.images.write_pointer(folder.reader_folder)
        self.features.write_pointer(folder.reader_folder)
        write_pointer(folder.reader_folder, self.external)


@dataclass(frozen=True, kw_only=True)
class RunContext:
    """A run in progress: its inputs, its folder, its submission file and its reporter."""

    inputs: RunInputs
    folder: RunFolder
    submission: Path
    reporter: Reporter

    @classmethod
    def of(
        cls, inputs: RunInputs, folder: RunFolder, workspace: Workspace, reporter: Reporter
    ) -> RunContext:
        """The context of the run in `folder`."""
        submission = workspace.submission(inputs.competition.name, folder.run_id)
        return cls(inputs=inputs, folder=folder, submission=submission, reporter=reporter)


def prepare_run(
    config: RunConfig,
    source: DataSource,
    workspace: Workspace,
    only: Sequence[int],
    reporter: Reporter,
    skip_bad: bool = False,
    bytes_written: int = 0,
    preparation: Preparation | None = None,
) -> RunInputs:
    """Read and check the inputs: samples, folds, network, disk space, and the images for the cache.

    Args:
        only: the folds to train; all if empty.
        skip_bad: leave out images that cannot be decoded.
        bytes_written: bytes that the run has already written to the disk.
        preparation: prepares the images and their features; None: as a run needs them.

    Raises:
        CompError: the data or the configuration is wrong.
    """
    competition = registry.get(config.competition)
    _check_fold_numbers(only, config.folds)
    device = choose_device(config.device)
    precision = choose_precision(config.precision, device)
    external = open_external(competition, config, workspace)
    train = read_train(competition, source.root, external)
    test = competition.samples(source.root, "test")
    submission_s = _check_submission(competition, source, test)
    workspace.check_writable(config.competition)
    all_decoded = bool((competition.image_spec and config.image.cache) or competition.reader)
    check_samples(competition, train, test, ignore_empty_files=skip_bad or all_decoded)
    models = _checked_models(competition, config, train, test)
    to_train = sorted(set(only)) or range(config.folds)
    needed = bytes_needed(models.networks.values(), competition, len(to_train), train, test)
    workspace.check_room(needed - bytes_written)
    images, features = (preparation or Preparation()).both(
        (competition, config, models), (train, test), workspace, reporter, skip_bad
    )
    train = without_skipped(train, images.skipped)
    unused = dict.fromkeys(copies_of_scored(train), UNUSED)
    inputs = RunInputs(
        competition=competition,
        config=config,
        source=source,
        train=train,
        test=test,
        folds=folds_of(config, competition, train) | unused,
        folds_to_train=to_train,
        device=describe(device),
        precision=precision,
        images=images,
        features=features,
        external=external,
        weights_origin=models.origin,
        columns=models.columns,
        column_notes=models.notes,
        submission_s=submission_s,
        bytes_needed=needed,
    )
    return _checked(inputs, reporter)


def _checked_models(
    competition: Competition, config: RunConfig, train: Sequence[Sample], test: Sequence[Sample]
) -> CheckedModels:
    """The models, and checks of what they do with the test."""
    models = check_models(competition, config, train, test)
    check_networks(config, models.networks, test)
    check_shares(competition, config, len(units_of(test, competition.pool)))
    return models


def _check_submission(
    competition: Competition, source: DataSource, test: Sequence[Sample]
) -> float:
    """Check a submission of blank predictions; returns the seconds that this took."""
    started = time.perf_counter()
    check_rows(competition, source.root, units_of(test, competition.pool))
    return time.perf_counter() - started


def _checked(inputs: RunInputs, reporter: Reporter) -> RunInputs:
    _check_parts(inputs)
    _check_targets(inputs, reporter)
    _check_loss(inputs)
    return inputs


def _check_fold_numbers(only: Sequence[int], folds: int) -> None:
    unknown = [fold for fold in only if not 0 <= fold < folds]
    if unknown:
        raise FoldError(f"no fold {unknown[0]}: with folds = {folds} they are 0 to {folds - 1}")


def _check_parts(inputs: RunInputs) -> None:
    """Check the training samples of each fold, if anything is computed from them."""
    config = inputs.config
    by_fold = config.loader.sampler == "own" or config.loss.weights != "none"
    if config.scheme == "time" or by_fold:
        parts = ((fold, inputs.training_part(fold)) for fold in inputs.folds_to_train)
        check_training_parts(inputs.competition, config, parts)


def _check_loss(inputs: RunInputs) -> None:
    """Check that the loss can be weighted, in the first fold whose samples have weights."""
    if loss_weights(inputs.train) is None:
        return
    for fold in inputs.folds_to_train:
        if loss_weights(inputs.training_part(fold)):
            with scratch_run(inputs) as folder:
                root = inputs.source.root
                for name in network_names(inputs.config):
                    one = member_config(inputs.config, name)
                    check_weighted_loss(make_fold_context(one, fold, root, folder.path))
            return


def _check_targets(inputs: RunInputs, reporter: Reporter) -> None:
    """Read all target images, if the task does not accept every image."""
    competition, train = inputs.competition, inputs.train
    if competition.task.check_image:
        with scratch_run(inputs) as folder:
            readable = [*train, *without_skipped(inputs.test, inputs.images.skipped)]
            reader = make_reader(competition, readable, inputs.config, folder.reader_folder)
            check_target_images(competition.task, train, reader, reporter.images_decoded)


@contextmanager
def scratch_run(inputs: RunInputs) -> Iterator[RunFolder]:
    """Yield a temporary run folder in which the folds of `inputs` can be trained.

    The folder is deleted at the end. Because nothing is saved, a signal stops the block at once.
    """
    with TemporaryDirectory() as path, stop_at_once():
        folder = RunFolder(Path(path))
        write_folds(folder.folds_csv, inputs.train, inputs.folds)
        inputs.write_pointers(folder)
        yield folder


def check_samples(
    competition: Competition,
    train: Sequence[Sample],
    test: Sequence[Sample],
    *,
    ignore_empty_files: bool,
) -> None:
    """Make the quick checks of `comp check`.

    Args:
        ignore_empty_files: whether a later step reports the empty files.

    Raises:
        DataError: the checks found errors; the message names the first.
    """
    errors = [
        finding
        for finding in findings.errors(quick_checks(competition, train, test))
        if not (ignore_empty_files and finding.kind == "empty-file")
    ]
    if errors:
        first = errors[0]
        more = f" (and {len(errors) - 1} other kinds of errors)" if len(errors) > 1 else ""
        raise DataError(
            f"{first.words}: {first.count}, the first is {first.names[0]}{more}; {first.advice}; "
            f"'comp check {competition.name}' lists all"
        )


def record_fields(inputs: RunInputs) -> Mapping[str, Any]:
    """What run.json contains about the images and the weights."""
    return {
        "weights": asdict(inputs.weights_origin) if inputs.weights_origin else None,
        "image_cache": str(inputs.images.cache) if inputs.images.cache else None,
        "feature_cache": str(inputs.features.cache) if inputs.features.cache else None,
        "embeddings": inputs.features.embedding_record(),
        "skipped": dict(inputs.images.skipped),
        "value_range": inputs.images.value_range.record() if inputs.images.value_range else None,
        "external": [str(path) for path in inputs.external],
        "plugin": plugin_record(inputs.competition),
        **({"columns": dict(inputs.columns)} if inputs.columns else {}),
    }
