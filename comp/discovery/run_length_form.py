"""Segmentation from images and a table of run lengths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from comp.discovery.conclusion import Conclusion, Finding, Missing
from comp.discovery.evidence import Evidence
from comp.discovery.folder_groups import groups_of_images
from comp.discovery.groups import group_column
from comp.discovery.image_names import Match
from comp.discovery.label_table import LabelTable, find_test_images
from comp.discovery.masks import (
    FACTORY,
    crop_defaults,
    mask_metric,
    masks_task,
    metric_finding,
)
from comp.discovery.run_lengths import RunLengths
from comp.discovery.written_form import format_argument
from comp.tasks.image_ids import is_below

_JOINED = (
    "several rows of an image become one mask: objects are not told apart",
    "the table has several rows of some images, and no sample submission a column of the class",
)


def run_length_table(evidence: Evidence, table: LabelTable, runs: RunLengths) -> Conclusion:
    """The conclusion from images and a table of run lengths."""
    path = table.table.path
    match = evidence.names.match(runs.images, path, ("train",))
    folders = match.folders if match else ()
    tested, arguments, missing = _test_images(evidence, runs, folders)
    grouped, of_groups = _groups(evidence, table, runs, folders)
    form, of_form = format_argument(evidence, runs, folders)
    findings = [
        Finding(f"the masks are run lengths in {', '.join(runs.columns)} of {path}", runs.why),
        Finding(f"the masks are of {', '.join(runs.classes)}", runs.why_classes, runs.certainty),
        of_form,
        *([Finding(*_JOINED, "guess")] if runs.join else []),
        *tested,
        *of_groups,
        metric_finding(evidence),
    ]
    missing += _problem(path, runs, match, arguments.get("test_images"))
    return Conclusion(
        form="run lengths",
        factory=FACTORY,
        task=masks_task(runs.classes),
        arguments={
            "images": folders[0] if folders else "train",
            "masks": None,
            "table": path,
            "id_column": runs.id_column,
            "rle_column": runs.rle_column,
            **({"class_column": runs.class_column} if runs.class_column else {}),
            **({"join_rows": True} if runs.join else {}),
            **grouped,
            **arguments,
            **form,
            **crop_defaults(evidence, folders),
        },
        metric=mask_metric(evidence),
        findings=tuple(findings),
        missing=(*missing, *runs.missing),
        root=evidence.root,
    )


def _groups(
    evidence: Evidence, table: LabelTable, runs: RunLengths, folders: Sequence[str]
) -> tuple[dict[str, Any], list[Finding]]:
    """The argument for groups in a column of the table, or else in the names of the images."""
    column, finding = group_column(table.table, {runs.id_column, *runs.taken}, images=True)
    if column and finding:
        return {"group_column": column}, [finding]
    paths = evidence.inventory.paths(folders[0]) if folders and "*" not in folders[0] else []
    pattern, finding = groups_of_images(paths)
    return {"group_pattern": pattern} if pattern else {}, [finding] if finding else []


def _problem(
    path: str, runs: RunLengths, match: Match | None, test_folder: str | None
) -> list[Missing]:
    """What is missing of the training images."""
    if match is None or match.missing:
        found = f"{path} has ids such as '{next(iter(runs.images), '')}', and "
        return [
            Missing(
                question="Where are the training images?",
                choices=(),
                found=found + (match.gap if match else "none of them has an image"),
                advice="fetch the data again, or write the names of the images into the table",
            )
        ]
    folder, several = match.folders[0], len(match.folders) > 1 or "*" in match.folders[0]
    inside = bool(test_folder) and is_below(str(test_folder), folder)
    if several or inside:
        found = "are all of the training set" if several else "has the test images too"
        return [
            Missing(
                question="Which folder has the training images, and no others?",
                choices=(),
                found=f"{match.where} {found}, and an image without a row would count as an empty "
                "mask",
                advice="move the training images into a folder of their own",
            )
        ]
    return []


def _test_images(
    evidence: Evidence, runs: RunLengths, taken: Sequence[str]
) -> tuple[list[Finding], dict[str, Any], list[Missing]]:
    """The test images, whose ids may have a class at their end."""
    submission = evidence.roles.submission
    if submission is None:
        return evidence.test_folder(taken)
    name = runs.id_column if runs.id_column in submission.columns else submission.columns[0]
    ids = runs.images_of(submission.column(name).counts)
    match = evidence.names.match(ids, submission.path, ("test",))
    if match is None or match.missing:
        return find_test_images(evidence)
    why = f"all {match.ids:,} images of {submission.path} are there"
    arguments = {"test_images": match.folders[0], "sample_submission": submission.path}
    return [Finding(f"the test images are in {match.where}", why)], arguments, []
