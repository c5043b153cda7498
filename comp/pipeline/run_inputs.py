"""The inputs of a run: configuration, samples and folds, checked before anything is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from comp.config.schema import RunConfig
from comp.contract import registry
from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.data.dropped import Dropped, without_dropped
from comp.data.dropped import write_pointer as write_dropped
from comp.data.external import write_pointer
from comp.data.folds import Folds, split, write_folds
from comp.data.images.check_targets import check_target_images
from comp.data.images.prepare import make_reader, without_skipped
from comp.data.images.prepared import PreparedImages
from comp.data.location import DataSource
from comp.data.sample_table import write_samples
from comp.data.sample_weights import loss_weights
from comp.data.units import units_of
from comp.features.prepared import PreparedFeatures
from comp.pipeline.adapted import check_networks
from comp.pipeline.dropped import check_dropped
from comp.pipeline.fold_checks import check_training_parts, check_weighted_loss
from comp.pipeline.fold_context import make_fold_context
from comp.pipeline.fold_numbers import check_fold_numbers
from comp.pipeline.kept_samples import keep_samples
from comp.pipeline.members import member_config, network_names
from comp.pipeline.model_checks import CheckedModels, bytes_needed, check_models
from comp.pipeline.preparation import Preparation
from comp.pipeline.pseudo_fold import fold_pseudo
from comp.pipeline.pseudo_labels import PseudoLabels
from comp.pipeline.pseudo_open import with_pseudo
from comp.pipeline.rank_checks import check_launcher, check_ranks
from comp.pipeline.reweighted import check_shares
from comp.pipeline.run_data import read_run_data
from comp.pipeline.run_folds import check_domains, make_run_folds
from comp.pipeline.validation import ValidationData
from comp.runs.folder import RunFolder
from comp.runs.progress import Reporter
from comp.signals import stop_at_once
from comp.training.elsewhere import elsewhere, run_device
from comp.training.kernels import check_compiler
from comp.training.ranks import current_ranks
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
    dropped: Dropped | None = None
    """The samples that are held out and scored, but do not train."""
    domains: Mapping[str, Any] = field(default_factory=dict)
    validation: ValidationData | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)
    column_notes: Sequence[str] = ()
    left_out: Sequence[int] = ()
    submission_s: float = 0.0
    bytes_needed: int = 0
    pseudo: PseudoLabels = field(default_factory=PseudoLabels)
    """The unlabelled samples that train with the predictions of an earlier run."""
    found: Mapping[str, Any] = field(default_factory=dict)
    """How the numbers that the configuration leaves to the run were found, by key."""

    @property
    def unit(self) -> str:
        """What a training sample is, for messages."""
        return "images" if any(sample.image for sample in self.train) else "rows"

    def training_part(self, fold: int) -> Sequence[Sample]:
        """The training samples of a fold."""
        part = split(self.train, self.folds, fold, self.config.scheme)[0]
        part = without_dropped(part, self.dropped.ids) if self.dropped else part
        labels = self.pseudo.folds.get(fold)
        if labels is None:
            return part
        one = member_config(self.config, self.config.model[0])
        added = fold_pseudo(self.competition, one, labels, self.pseudo.candidates)
        return [*part, *added.samples]

    def write_samples(self, folder: RunFolder) -> None:
        """Write the samples, for folds in other processes."""
        write_samples(folder.samples, self.train, self.test, self.source.root)

    def write_pointers(self, folder: RunFolder) -> None:
        """Write where each fold of the run finds the cached images, their features, the external
        data, what is dropped, and the pseudo-labels. Folds in this process get the samples."""
        keep_samples(folder, self)
        self.images.write_pointer(folder.reader_folder)
        self.features.write_pointer(folder.reader_folder)
        write_pointer(folder.reader_folder, self.external)
        write_dropped(folder.reader_folder, self.dropped)
        self.pseudo.write_pointer(folder.reader_folder)
        if self.validation:
            self.validation.write_pointer(folder.reader_folder)


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
    recorded: Folds | None = None,
    resumed: RunFolder | None = None,
    any_time: bool = False,
) -> RunInputs:
    """Read and check the inputs: samples, folds, network, disk space, and the images for the cache.

    Args:
        only: the folds to train; all if empty.
        skip_bad: leave out images that cannot be decoded.
        bytes_written: bytes that the run has already written to the disk.
        preparation: prepares the images and their features; None: as a run needs them.
        recorded: the folds of the run that resumes.
        resumed: the run that resumes, which has its pseudo-labels and its dropped samples.
        any_time: features may take all of the budget, because a run that trained on them is
            continued or repeated.

    Raises:
        CompError: the data or the configuration is wrong.
    """
    competition = registry.get(config.competition)
    check_fold_numbers(only, config.folds)
    described, precision = _checked_device(config)
    read = read_run_data(competition, config, source.root, workspace, skip_bad, resumed)
    train, test, root = read.train, read.test, source.root
    models = _checked_models(competition, config, train, test)
    to_train = sorted(set(only)) or range(config.folds)
    needed = bytes_needed(models.networks.values(), competition, config, len(to_train), train, test)
    workspace.check_room(needed - bytes_written)
    prepared = config.model_copy(update={"budget": None}) if any_time else config
    images, features = (preparation or Preparation()).both(
        (competition, prepared, models), (train, read.unscored), workspace, reporter, skip_bad, root
    )
    config = features.recorded(config)
    train = without_skipped(train, images.skipped)
    made = make_run_folds(
        config, competition, train, images, reporter, recorded=recorded, planned=bool(preparation)
    )
    inputs = RunInputs(
        competition=competition,
        config=config,
        source=source,
        train=train,
        folds=made.folds,
        folds_to_train=to_train,
        device=described,
        precision=precision,
        images=images,
        features=features,
        weights_origin=models.origin,
        domains=made.domains,
        columns=models.columns,
        column_notes=models.notes,
        bytes_needed=needed,
        **read.fields,
    )
    return _checked(with_pseudo(inputs, workspace, reporter, resumed), reporter)


def _checked_device(config: RunConfig) -> tuple[str, str]:
    """The description of the device, and the precision, with which the run can train."""
    device, described, precision = run_device(config)
    if config.compile and network_names(config) and not elsewhere():
        check_compiler(device)
    check_ranks(config, device, current_ranks())
    check_launcher(config, device, precision)
    return described, precision


def _checked_models(
    competition: Competition, config: RunConfig, train: Sequence[Sample], test: Sequence[Sample]
) -> CheckedModels:
    """The models, and checks of what they do with the test."""
    check_domains(config, competition, train)
    models = check_models(competition, config, train, test)
    check_networks(config, models.networks, test)
    check_shares(competition, config, len(units_of(test, competition.pool)))
    return models


def _checked(inputs: RunInputs, reporter: Reporter) -> RunInputs:
    config, folds = inputs.config, inputs.folds_to_train
    whole = ((fold, split(inputs.train, inputs.folds, fold, config.scheme)[0]) for fold in folds)
    check_dropped(inputs.competition, inputs.dropped, whole)
    _check_parts(inputs)
    _check_targets(inputs, reporter)
    _check_loss(inputs)
    return inputs


def _check_parts(inputs: RunInputs) -> None:
    """Check the training samples of each fold, if anything is computed from them."""
    config = inputs.config
    by_fold = config.loader.sampler == "own" or config.loss.weights != "none"
    if config.scheme == "time" or by_fold:
        parts = ((fold, inputs.training_part(fold)) for fold in inputs.folds_to_train)
        check_training_parts(inputs.competition, config, parts)


def _check_loss(inputs: RunInputs) -> None:
    """Check that the loss can be weighted, in the first fold whose samples have weights."""
    if loss_weights(inputs.train) is None and not inputs.pseudo.folds:
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
