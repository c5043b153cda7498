"""The data of `validation = PATH`: labelled samples of another source, which a run scores and never
trains on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.contract.sample import Reader, Sample
from comp.data.audit.findings import errors
from comp.data.audit.sample_checks import quick_checks
from comp.data.fingerprint import fingerprint, has_fingerprint
from comp.data.groups import group_keys
from comp.data.images.check_targets import check_target_images
from comp.data.images.prepare import make_reader, prepare_images, without_skipped
from comp.data.images.prepared import PreparedImages
from comp.data.labelled_data import LabelledData, open_labelled
from comp.data.overlap import check_apart
from comp.data.units import units_of
from comp.errors import CompError, DataError
from comp.inference.adaptation import reference_images
from comp.pipeline.adapted import adapts
from comp.pipeline.adapted import check_models as check_adaptation
from comp.pipeline.fold_columns import FoldColumns
from comp.pipeline.members import member_config
from comp.pipeline.predict_reference import with_missing
from comp.pipeline.reweighted import check_shares
from comp.runs.progress import Reporter
from comp.workspace import Workspace

if TYPE_CHECKING:
    from comp.pipeline.run_inputs import RunInputs

READER = "validation"
"""Folder in the run's folder of the reader, with what the reader of this data needs."""


@dataclass(frozen=True, kw_only=True)
class ValidationData:
    """The data of `validation`; `images` are decoded when the run has prepared them."""

    path: Path
    """What the configuration names."""
    data: LabelledData
    note: str = ""
    images: PreparedImages = field(default_factory=PreparedImages)

    @property
    def samples(self) -> list[Sample]:
        """The samples that are scored: those whose images can be decoded."""
        return without_skipped(self.data.samples, self.images.skipped)

    @property
    def sentence(self) -> str:
        """What is scored, for the user."""
        kind = "labelled test" if self.data.split == "test" else "training"
        count, groups = len(self.samples), len(set(group_keys(self.samples)))
        of = f" in {groups:,} groups" if groups < count else ""
        skipped = len(self.images.skipped)
        notes = [f"{skipped} images cannot be decoded and are left out"] * bool(skipped)
        return "; ".join(
            [
                f"validation: the {count:,} {kind} samples{of} of {self.path} are scored, and used "
                "for nothing else",
                *notes,
                *filter(None, [self.note]),
            ]
        )

    def record(self) -> dict[str, Any]:
        """What run.json contains."""
        return {
            "path": str(self.path),
            "split": self.data.split,
            "samples": len(self.data.samples),
            "skipped": dict(self.images.skipped),
            "fingerprint": fingerprint(self.data.samples),
        }

    def write_pointer(self, folder: Path) -> None:
        """Write what the reader of the samples needs, in the run's folder of the reader."""
        self.images.write_pointer(folder / READER)

    def reader(
        self,
        competition: Competition,
        config: RunConfig,
        folder: Path,
        reference: Sequence[Sample] = (),
    ) -> Reader:
        """The reader of the samples, and of training images that they are compared with.

        Args:
            folder: the run's folder of the reader.
        """
        known = without_skipped(self.data.known, self.images.skipped)
        every = with_missing([*known, *self.samples], reference)
        return make_reader(competition, every, config, folder / READER)


def open_validation(
    competition: Competition,
    config: RunConfig,
    workspace: Workspace,
    train: Sequence[Sample],
    unlabelled: Sequence[Sample],
    skip_bad: bool,
) -> ValidationData | None:
    """The data of `validation`, without its images; None if it is not set.

    Args:
        unlabelled: the samples that train with pseudo-labels, if the run has some.

    Raises:
        DataError: it does not exist, has no labelled samples or a fault, or shares samples with
            `train` or `unlabelled`; or it cannot be predicted as the configuration says.
    """
    path = config.validation
    if path is None:
        return None
    try:
        data = open_labelled(competition, path, workspace)
        _check_samples(competition, data.samples, skip_bad)
        own = config.validation_groups == "own"
        noun = competition.group or "group"
        note = check_apart(data.samples, train, noun, own)
        _check_unlabelled(data.samples, unlabelled, noun, own)
        check_adaptation(config, len(data.samples))
        check_shares(competition, config, len(units_of(data.samples, competition.pool)))
        notes = [note, *_cell_notes(competition, config, train, data.samples)]
    except CompError as error:
        raise DataError(f"validation = {path}: {error}") from None
    return ValidationData(path=path, data=data, note="; ".join(filter(None, notes)))


def _check_unlabelled(
    samples: Sequence[Sample], unlabelled: Sequence[Sample], noun: str, own_groups: bool
) -> None:
    """Check that samples do not train with pseudo-labels.

    Raises:
        DataError: some do.
    """
    try:
        check_apart(samples, unlabelled, noun, own_groups)
    except DataError as error:
        raise DataError(
            f"the samples of pseudo.run train with pseudo-labels, and {error}"
        ) from None


def _check_samples(competition: Competition, samples: Sequence[Sample], skip_bad: bool) -> None:
    found = errors(quick_checks(competition, samples, []))
    found = [finding for finding in found if not (skip_bad and finding.kind == "empty-file")]
    if found:
        first = found[0]
        raise DataError(
            f"{first.words}: {first.count}, the first is {first.names[0]}; {first.advice}"
        )


def _cell_notes(
    competition: Competition, config: RunConfig, train: Sequence[Sample], samples: Sequence[Sample]
) -> list[str]:
    """What the user should know of cells that cannot be read.

    Raises:
        DataError: a column is missing, or half of its cells cannot be read.
    """
    if not competition.columns:
        return []
    columns = FoldColumns.fit(member_config(config, config.model[0]), train, train)
    return columns.treatment.notes([sample.features for sample in samples])


def prepare_validation(
    inputs: RunInputs, workspace: Workspace, reporter: Reporter, skip_bad: bool
) -> RunInputs:
    """The inputs with the decoded images of `validation`, and checks of its target images.

    Raises:
        DataError: an image cannot be decoded, or a target image does not fit.
    """
    validation = inputs.validation
    if validation is None:
        return inputs
    competition, config = inputs.competition, inputs.config
    references = [s for f in inputs.folds_to_train for s in reference_of(inputs, f)]
    decoded = with_missing(validation.data.samples, references)
    try:
        images = prepare_images(
            competition,
            config,
            decoded,
            workspace.images,
            reporter.images_decoded,
            skip_bad,
            inputs.images.value_range,
        )
        validation = replace(validation, images=images)
        if not validation.samples:
            raise DataError("no image can be decoded: replace the images, or leave validation out")
        if competition.task.check_image:
            with TemporaryDirectory() as folder:
                validation.write_pointer(Path(folder))
                reader = validation.reader(competition, config, Path(folder))
                check_target_images(
                    competition.task, validation.samples, reader, reporter.images_decoded
                )
    except DataError as error:
        raise DataError(f"validation = {validation.path}: {error}") from None
    return replace(inputs, validation=validation)


def reference_of(inputs: RunInputs, fold: int) -> list[Sample]:
    """The training images of a fold that the data is compared with; empty if nothing is adapted."""
    if inputs.validation is None or not adapts(inputs.config):
        return []
    return reference_images(inputs.training_part(fold), len(inputs.validation.data.samples))


def check_recorded(validation: ValidationData | None, record: Mapping[str, Any]) -> None:
    """Check that the data is that of the run that is resumed.

    Args:
        record: the contents of run.json.

    Raises:
        DataError: it is not.
    """
    before = record.get("validation") or {}
    expected = str(before.get("fingerprint"))
    if validation and before and not has_fingerprint(validation.data.samples, expected):
        raise DataError(
            f"validation = {validation.path}: its images or labels changed since the run started: "
            "restore them, or start a new run"
        )
