"""What the user should know about the inputs of a run before it starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.data.audit.sample_checks import check_some_classes, mixed_groups
from comp.data.domain_folds import domain_sentence
from comp.data.folds import fold_notes
from comp.data.groups import APART, UNUSED, group_keys, is_grouped
from comp.data.images.orientation import turned_images
from comp.data.times import time_note
from comp.estimators.knn import MOST_ROWS
from comp.inference.tta import tta_note
from comp.pipeline.dropped import dropped_note, repeated_note
from comp.pipeline.moved_targets import moved_targets_note
from comp.pipeline.plugin_check import check_plugin
from comp.pipeline.rank_checks import describe_ranks
from comp.pipeline.run_inputs import RunInputs
from comp.pipeline.target_digits import target_digits_note
from comp.runs.folder import RunFolder
from comp.training.device import unused_gpu_note
from comp.training.elsewhere import elsewhere
from comp.training.ranks import current_ranks


def mixed_groups_note(competition: Competition, samples: Sequence[Sample]) -> str:
    """Describe the groups with samples of more than one class; "" if there are none."""
    mixed = mixed_groups(competition, samples)
    if not mixed:
        return ""
    noun = competition.group or "group"
    return (
        f"{len(mixed)} {noun}{'s have' if len(mixed) > 1 else ' has'} samples of more than one "
        f"class, the first is {mixed[0]}: all samples of a {noun} stay in one fold; check their "
        "labels"
    )


def missing_groups_note(competition: Competition, samples: Sequence[Sample]) -> str:
    """Describe the samples without a group, if others have one or the competition has groups; ""
    if all have one, or the folds are given.

    Samples that only train are not counted.
    """
    held_out = [sample for sample in samples if not sample.train_only]
    if not is_grouped(held_out):
        if competition.group is None or any(sample.fold is not None for sample in held_out):
            return ""
        return (
            f"no training sample has a {competition.group}, the first is "
            f"{held_out[0].id if held_out else '-'}: one {competition.group} may be in training "
            "and in validation, and scores too good; correct the groups of the competition"
        )
    keys = group_keys(held_out)
    lone = [s.id for s, key in zip(held_out, keys, strict=True) if not key.startswith("group ")]
    if len(lone) in (0, len(held_out)):
        return ""
    noun = competition.group or "group"
    return (
        f"{len(lone):,} of {len(held_out):,} training samples have no {noun}, the first is "
        f"{lone[0]}: each counts as a separate {noun}, so that one {noun} may be in training and "
        "in validation; add it"
    )


def empty_classes_note(competition: Competition, samples: Sequence[Sample]) -> str:
    """Describe the classes without a training sample; "" if there are none."""
    return " ".join(
        f"{found.words}: {found.count}, the first is {found.names[0]}; {found.advice}"
        for found in check_some_classes(competition, samples)
    )


def turned_test_note(
    competition: Competition, train: Sequence[Sample], test: Sequence[Sample]
) -> str:
    """Describe the test images with an EXIF orientation, if run lengths are submitted and no
    training image has one, so that nothing shows which pixels Kaggle counts."""
    if not competition.rle_columns:
        return ""
    turned = turned_images(dict.fromkeys(sample.image_file for sample in test))
    if not turned or turned_images(dict.fromkeys(sample.image_file for sample in train)):
        return ""
    return (
        f"{len(turned):,} test images have an EXIF orientation, the first is {turned[0].name}, and "
        "no training image has one: their run lengths count the pixels of the turned image; if "
        "those of the stored image are needed, remove the orientation from the files"
    )


def _jpeg_note(inputs: RunInputs) -> str:
    competition = inputs.competition
    if inputs.config.image.cache != "jpeg" or competition.reader or not competition.image_spec:
        return ""
    return (
        "image.cache = jpeg: resized images are compressed to about a third of their size, and "
        "their pixels differ a little; predictions read images in the same way"
    )


def data_notes(inputs: RunInputs) -> list[str]:
    """Return what the user should know about the inputs before the run starts."""
    skipped = inputs.images.skipped
    notes = [
        *describe_ranks(inputs.device, current_ranks(), inputs.config),
        unused_gpu_note(inputs.config) if not elsewhere() else "",
        random_weights_note(inputs),
        mixed_groups_note(inputs.competition, inputs.train),
        missing_groups_note(inputs.competition, inputs.train),
        empty_classes_note(inputs.competition, inputs.train),
        turned_test_note(inputs.competition, inputs.train, inputs.test),
        inputs.images.no_cache_reason,
        _jpeg_note(inputs),
        inputs.features.note,
        *inputs.column_notes,
        inputs.images.value_range.sentence if inputs.images.value_range else "",
        few_rows_note(inputs),
        many_rows_note(inputs),
        unused_preset_note(inputs.config, inputs.unit),
        tta_note(inputs.competition, inputs.config),
        moved_targets_note(inputs.competition, inputs.config),
        target_digits_note(inputs.competition, inputs.train),
        _copies_note(inputs),
        dropped_note(inputs.dropped, len(inputs.train)),
        *(inputs.dropped.notes if inputs.dropped else ()),
        domain_sentence(inputs.domains) if inputs.domains else "",
        inputs.validation.sentence if inputs.validation else "",
        _external_note(inputs),
        _time_note(inputs),
        *inputs.pseudo.notes,
        *fold_notes(inputs.train, inputs.folds, inputs.competition.task.label_names),
    ]
    if skipped:
        first, reason = next(iter(skipped.items()))
        notes.append(
            f"left out {len(skipped)} images that cannot be decoded, the first is {first} "
            f"({reason}); a test image that was left out gets the mean prediction"
        )
    return [note for note in notes if note]


def _copies_note(inputs: RunInputs) -> str:
    copies = [name for name, fold in inputs.folds.items() if fold == UNUSED]
    if not copies:
        return ""
    return (
        f"left out {len(copies)} samples that would only train, because they have the same image "
        f"file as a sample that is scored; the first is {copies[0]}"
    )


def _external_note(inputs: RunInputs) -> str:
    count = sum(fold <= APART for fold in inputs.folds.values())
    if not count:
        return ""
    if not inputs.config.external_folds:
        return (
            f"{count:,} samples that only train are of a domain that a fold holds out: they do not "
            "train in this fold"
        )
    return (
        f"{count:,} external samples are held out in turn for a score of their own: each fold "
        "trains on those of the other folds"
    )


def _time_note(inputs: RunInputs) -> str:
    given = inputs.config.folds_csv or any(s.fold is not None for s in inputs.train)
    return time_note(inputs.train, "" if given else inputs.config.scheme, inputs.folds)


def random_weights_note(inputs: RunInputs) -> str:
    """Say that a network that could be pretrained starts from random weights; "" if it does not."""
    if inputs.weights_origin is None or inputs.weights_origin.kind != "none":
        return ""
    config = inputs.config
    note = (
        f"{config.backbone} starts from random weights, not from pretrained weights: give "
        "--weights FILE, or --set backbone=NAME --pretrained"
    )
    if config.freeze in ("none", 0):
        return note
    return f"{note}; freeze = {config.freeze} keeps random weights, so set freeze=none otherwise"


def unused_preset_note(config: RunConfig, unit: str) -> str:
    """Say that a preset of augmentation does nothing; "" if there is none, or it does something.

    Args:
        unit: what a sample is, "images" or "rows".
    """
    if config.augment.preset == "none" or (config.loader.augment and unit == "images"):
        return ""
    if unit != "images":
        return f"augment.preset = {config.augment.preset} does nothing: the samples are {unit}"
    return (
        f"augment.preset = {config.augment.preset} does nothing, because loader.augment = false: "
        "set loader.augment=true to train on changed images"
    )


def few_rows_note(inputs: RunInputs) -> str:
    """Say that trees cannot split the rows of a fold, so that all predictions are the same; "" if
    they can."""
    trees = [name for name in inputs.config.model if name in ("gbdt", "lightgbm")]
    if not trees:
        return ""
    least = 2 * inputs.config.gbdt.min_leaf
    rows = min((len(inputs.training_part(fold)) for fold in inputs.folds_to_train), default=least)
    if rows >= least:
        return ""
    return (
        f"{' and '.join(trees)} cannot split {rows} training rows of a fold: a leaf needs "
        f"gbdt.min_leaf = {inputs.config.gbdt.min_leaf} of them, so all predictions are the same; "
        f"set gbdt.min_leaf={max(1, rows // 8)}"
    )


def many_rows_note(inputs: RunInputs) -> str:
    """Say that `knn` keeps a part of the training rows of a fold; "" if it keeps all."""
    if "knn" not in inputs.config.model:
        return ""
    rows = max((len(inputs.training_part(fold)) for fold in inputs.folds_to_train), default=0)
    if rows <= MOST_ROWS:
        return ""
    return (
        f"knn keeps {MOST_ROWS:,} of the {rows:,} training rows of a fold, drawn at random: add "
        "another model to learn from all"
    )


def repeat_notes(inputs: RunInputs, folder: RunFolder, repeated: Mapping[str, Any]) -> list[str]:
    """Say what differs between a run and the run that it repeats: data, plugin, or device.

    Args:
        repeated: run.json of the run that is repeated; empty if none is.

    Raises:
        RunError: the classes are not those of the run that is repeated.
    """
    if not repeated:
        return []
    run_id = str(repeated.get("run_id"))
    notes = check_plugin(run_id, repeated, inputs.competition)
    notes += filter(None, [repeated_note(inputs.dropped, repeated)])
    fingerprint = folder.record("data_fingerprint")["data_fingerprint"]
    if repeated.get("data_fingerprint") not in (None, fingerprint):
        notes.append(
            f"the data in {inputs.source.root} is not that of run {run_id}: images, labels or "
            "groups changed, so that the scores cannot be compared"
        )
    if repeated.get("device") not in (None, inputs.device):
        notes.append(
            f"run {run_id} trained on {repeated['device']}, this one trains on {inputs.device}: "
            "the last digits differ (for the same number of threads set OMP_NUM_THREADS)"
        )
    return notes
