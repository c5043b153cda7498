"""Segmentation from folders of images and masks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from comp.data.listing import below
from comp.discovery.conclusion import Conclusion, Finding, Missing
from comp.discovery.evidence import Evidence
from comp.discovery.folder_groups import groups_of_images
from comp.discovery.groups import group_column
from comp.discovery.label_table import LabelTable, find_test_images
from comp.discovery.paired_folders import Pair, TargetFacts, files_of
from comp.discovery.run_lengths import RunLengths, run_lengths_of
from comp.discovery.sizes import image_facts
from comp.discovery.tables import DataTable
from comp.discovery.written_form import format_argument

FACTORY = "comp.tasks.segmenter.segmenter"
LARGEST_CROP = 256
"""Pixels of a side of the crops of large images."""
MOST_CLASSES = 32
_NAME = "mask"


def mask_folders(
    evidence: Evidence, pair: Pair, facts: TargetFacts, table: LabelTable | None
) -> Conclusion:
    """The conclusion from a folder of images and a folder of their masks.

    Args:
        table: a table with the ids of the training images, None if there is none.
    """
    submission = evidence.roles.submission
    runs = run_lengths_of(evidence, table)
    task, classes, of_values = _task(facts)
    tested, arguments, missing = (
        find_test_images(evidence)
        if submission
        else evidence.test_folder((pair.images, pair.targets))
    )
    if submission is None:
        arguments |= _inner_images(evidence, pair, str(arguments.get("test_images", "")))
    ids, of_table = _table_arguments(evidence, pair, table, runs)
    written, more = _submission_columns(submission, classes, ids)
    form, of_form = _form(evidence, pair, runs if ids["table"] else None, written)
    findings = [
        _of_pair(evidence, pair),
        *of_values,
        *of_table,
        *of_form,
        *tested,
        metric_finding(evidence),
    ]
    return Conclusion(
        form="mask folders",
        factory=FACTORY,
        task=task,
        arguments={
            "images": pair.images,
            "masks": pair.targets,
            **({"mask_suffix": pair.suffix} if pair.suffix else {}),
            **ids,
            **arguments,
            **written,
            **form,
            **crop_defaults(evidence, (pair.images,)),
        },
        metric=mask_metric(evidence),
        findings=tuple(findings),
        missing=(*missing, *more, *_problem(pair, facts)),
        root=evidence.root,
    )


def _of_pair(evidence: Evidence, pair: Pair) -> Finding:
    """What is said of the folders of images and masks."""
    count = len(files_of(evidence.inventory, pair))
    named = f" with {pair.suffix} behind it" if pair.suffix else ""
    why = f"{count:,} images of {pair.images}/ have a mask of the same name{named}"
    return Finding(f"the masks are in {pair.targets}/", why)


def _inner_images(evidence: Evidence, pair: Pair, test: str) -> dict[str, str]:
    """The folder of the images in a test folder that has masks too, as that of training has."""
    inner = f"{test}/{pair.images.rpartition('/')[2]}"
    below = evidence.inventory.below(test) if test else {}
    return {"test_images": inner} if inner in below and len(below) > 1 else {}


def _task(facts: TargetFacts) -> tuple[str, tuple[str, ...], list[Finding]]:
    """The task of mask images as an expression, the classes to submit, and what the values of the
    pixels say."""
    values = facts.values
    shown = ", ".join(map(str, values[:6])) + ", ..." * (len(values) > 6)
    if facts.noisy and len(values) != 2:
        finding = Finding(
            "masks of one class, inside above 127",
            "nearly all pixels are near 0 or 255, as after JPEG",
            "likely",
        )
        return f"segmentation(({_NAME!r},), threshold=127)", (_NAME,), [finding]
    if len(values) > 2 and values[-1] < MOST_CLASSES:
        classes = tuple(f"class{value}" for value in range(1, values[-1] + 1))
        finding = Finding(
            f"{len(classes)} classes and a background, which exclude each other",
            f"the pixels have the values {shown}; the names of the classes are not known",
            "guess",
        )
        task = f"segmentation({('background', *classes)!r}, exclusive=True)"
        return task, classes, [finding]
    finding = Finding("masks of one class", f"the pixels have the values {shown}")
    return masks_task((_NAME,)), (_NAME,), [finding]


def masks_task(classes: Sequence[str]) -> str:
    """The task of masks that may overlap, as an expression."""
    return f"segmentation({tuple(classes)!r})"


def _problem(pair: Pair, facts: TargetFacts) -> list[Missing]:
    """Why masks cannot be used as they are."""
    if facts.sizes:
        target, size, other = facts.sizes[0]
        return [
            Missing(
                question="How do the masks belong to their images?",
                choices=(),
                found=f"{target.name} in {pair.targets}/ is {other[1]} x {other[0]} and its image "
                f"{size[1]} x {size[0]}; {len(facts.sizes)} of {facts.readable} that were read "
                "differ so",
                advice="resize the masks to the size of their images, without interpolation",
            )
        ]
    if facts.coloured or (len(facts.values) > 2 and facts.values[-1] >= MOST_CLASSES):
        if facts.noisy and not facts.coloured:
            return []
        shown = (
            "colours" if facts.coloured else f"the values {', '.join(map(str, facts.values[:6]))}"
        )
        return [
            Missing(
                question="Which class is which value of the masks?",
                choices=(),
                found=f"the masks in {pair.targets}/ have {shown}",
                advice="save masks whose pixels are the number of their class: 0, 1, 2, ...",
            )
        ]
    if pair.alone:
        return [
            Missing(
                question="What about images without a mask, and masks without an image?",
                choices=(),
                found=f"{', '.join(pair.alone[:3])} of {pair.images}/ and {pair.targets}/ have no "
                "partner",
                advice="remove them, or add empty masks",
            )
        ]
    return []


def _table_arguments(
    evidence: Evidence, pair: Pair, table: LabelTable | None, runs: RunLengths | None
) -> tuple[dict[str, Any], list[Finding]]:
    """The arguments of the table of the ids and of groups, and what is said about them."""
    folder = evidence.root / pair.images
    files = [image for image, _ in files_of(evidence.inventory, pair)]
    pattern, of_names = groups_of_images([below(image, folder) for image in files])
    in_names: dict[str, Any] = {"group_pattern": pattern} if pattern else {}
    told = [of_names] if of_names else []
    if table is None:
        return {"table": None, **in_names}, told
    path = table.table.path
    ids = table.table.column(table.id_column)
    match = evidence.names.match(ids.counts, path, ("train",))
    usable = match is not None and match.folders == (pair.images,) and not match.missing
    several = runs is not None and len(runs.classes) > 1
    if not usable or several or not ids.unique:
        why = f"its ids are not those of the images in {pair.images}/, one each"
        return {"table": None, **in_names}, [Finding(f"{path} is not used", why), *told]
    group, of_group = group_column(
        table.table, {table.id_column, *(runs.columns if runs else ())}, images=True
    )
    arguments: dict[str, Any] = {"table": path, "id_column": table.id_column}
    if group and of_group:
        return arguments | {"group_column": group}, [of_group]
    return arguments | in_names, told


def _submission_columns(
    submission: DataTable | None, classes: Sequence[str], ids: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Missing]]:
    """The arguments for the columns of the submission, and what is missing."""
    several = len(classes) > 1
    written: dict[str, Any] = {"submit": tuple(classes)} if several else {}
    if submission is None:
        return written | ({"rle_column": None} if several else {}), []
    columns = submission.columns
    if ids.get("id_column", columns[0]) != columns[0]:
        return {}, [_other_submission(submission)]
    if "id_column" not in ids:
        written["id_column"] = columns[0]
    if len(columns) != 2 or several or not _has_runs(submission):
        return written, [_other_submission(submission)]
    return written | {"rle_column": columns[1]}, []


def _form(
    evidence: Evidence, pair: Pair, runs: RunLengths | None, written: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Finding]]:
    """The argument for the form of run lengths, if the submission has some, and what is said of
    it."""
    if not written.get("rle_column"):
        return {}, []
    masks = dict(files_of(evidence.inventory, pair))
    form, finding = format_argument(evidence, runs, (pair.images,), masks)
    return form, [finding]


def _has_runs(submission: DataTable) -> bool:
    """Whether the second column of the sample submission has run lengths, or only blank cells."""
    from comp.submission.rle import EMPTY_MARKS, RUNS

    cells = set(submission.glance(submission.columns[1]).counts) - set(EMPTY_MARKS)
    return all(re.match(RUNS, cell) for cell in cells)


def _other_submission(submission: DataTable) -> Missing:
    return Missing(
        question="How are masks written into the submission?",
        choices=(),
        found=f"{submission.path} has the columns {', '.join(submission.columns[:5])}, with cells "
        f"such as '{next(iter(submission.glance(submission.columns[-1]).counts), ''):.30}'",
        advice="comp writes an id and run lengths: write a plugin with rows of your own",
    )


def mask_metric(evidence: Evidence) -> str:
    """The metric of masks that Kaggle names, else Dice."""
    return evidence.hint.of("masks") or "dice"


def metric_finding(evidence: Evidence) -> Finding:
    """What is said about the metric of masks."""
    said = evidence.hint.of("masks")
    why = f"Kaggle calls it '{evidence.hint.said}'" if said else "the usual one of masks"
    return Finding(f"the metric is {mask_metric(evidence)}", why, "sure" if said else "likely")


def crop_defaults(evidence: Evidence, folders: Sequence[str]) -> dict[str, Any]:
    """The argument `defaults` with the size of the crops: that of the images, at most 256."""
    facts = image_facts(evidence.inventory, folders)
    if not facts.sizes:
        return {}
    (height, width), _ = facts.sizes.most_common(1)[0]
    return {"defaults": {"image": {"size": min(LARGEST_CROP, max(height, width))}}}
