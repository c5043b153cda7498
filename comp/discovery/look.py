"""Look at data that nobody has described, and conclude how to compete with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from comp.data.archives import unpack_folder
from comp.data.location import open_folder
from comp.discovery.conclusion import Conclusion, Finding, Missing
from comp.discovery.evidence import Evidence
from comp.discovery.inventory import Inventory, take_inventory
from comp.discovery.metric_hint import metric_hint
from comp.discovery.roles import is_needed
from comp.discovery.several_images import several_images
from comp.workspace import Workspace

SOUNDS = frozenset({".wav", ".mp3", ".ogg", ".flac", ".m4a", ".aac"})
VIDEOS = frozenset({".mp4", ".avi", ".mov", ".mkv", ".webm", ".mpg"})
ARRAYS = frozenset(
    {".bson", ".tfrec", ".tfrecord", ".hdf5", ".h5", ".npz", ".parquet", ".nii", ".gz", ".mha",
     ".mhd", ".zarr", ".pkl", ".mat", ".json"}
)  # fmt: skip
"""Formats of images, volumes and tables that are not read."""
ANNOTATIONS = {
    ".json": "annotations such as those of COCO",
    ".xml": "boxes such as those of Pascal VOC",
    ".txt": "boxes such as those of YOLO",
}
FEW_PICTURES = 10
"""Images up to which a table of pixels is the data, and the images are illustrations."""


ANSWERS = ("labels", "target", "images", "test_images", "task")
"""The keys of `answers` that `look` takes: the table of the labels, the columns to predict with
commas between them, the folders of training and test images, and what labels are (classes, grades,
labels or numbers)."""

_READ = (*ANSWERS, "drop")
"""Those that change what is concluded: the texts that `drop` names are left out knowingly."""


def look(
    data: Path,
    slug: str | None = None,
    *,
    metric_name: str | None = None,
    workspace: Workspace | None = None,
    answers: Mapping[str, Any] | None = None,
) -> Conclusion:
    """Conclude from a folder or a zip of data what a plugin for it needs.

    Args:
        slug: the name of the competition on Kaggle.
        metric_name: the metric of the competition, as Kaggle calls it; None: it follows from the
            task and the sample submission.
        workspace: a zip is unpacked into its cache; None: that of the working folder.
        answers: what the user says: values for keys of `ANSWERS`; others are ignored.

    Raises:
        DataError: the data does not exist or cannot be read.
    """
    del slug  # nothing is known by name yet
    workspace = workspace or Workspace.at(Path.cwd())
    given = {key: _text(value) for key, value in (answers or {}).items() if key in _READ}
    inventory = _inventory(data, workspace)
    return conclude(Evidence(inventory, metric_hint(metric_name), given))


def _text(value: Any) -> str:
    """An answer as text; several values have commas between them."""
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _inventory(data: Path, workspace: Workspace) -> Inventory:
    """The files of a folder, a zip, or a folder of zips."""
    folder = open_folder(data, workspace)
    if data.is_dir() and any(folder.glob("*.zip")):
        folder = unpack_folder(folder, workspace.cache)
    return take_inventory(folder)


def conclude(evidence: Evidence) -> Conclusion:
    """The conclusion from what was found; tables that cannot be read are mentioned."""
    found = _conclude(evidence)
    unread = evidence.unreadable.items()
    findings = [Finding(f"{path} is not used", why) for path, why in unread]
    findings += _unused_images(evidence, found)
    missing = [
        Missing(f"What does {path} say?", (), why, "mend the file, or remove it")
        for path, why in unread
        if is_needed(path)
    ]
    return replace(
        found,
        findings=(*found.findings, *findings),
        missing=(*missing, *found.missing),
    )


def _conclude(evidence: Evidence) -> Conclusion:
    from comp.discovery.folders import class_folders, labels_in_names
    from comp.discovery.images_and_tables import of_images_and_tables
    from comp.discovery.pairs import of_pairs
    from comp.discovery.pixel_columns import pixel_columns
    from comp.discovery.plain_table import plain_table

    inventory = evidence.inventory
    if not inventory.images:
        media = sum(inventory.others[suffix] for suffix in SOUNDS | VIDEOS)
        if media > 1:
            return evidence.without(_nothing(inventory))
        found = pixel_columns(evidence) or plain_table(evidence)
        if found and (found.known or not set(inventory.others) & ARRAYS):
            return found
        return evidence.without(_nothing(inventory))
    few = inventory.image_count < FEW_PICTURES and pixel_columns(evidence)
    if few:
        return few
    for find in (of_images_and_tables, of_pairs, class_folders, labels_in_names, plain_table):
        found = find(evidence)
        if found is not None:
            return found
    return evidence.without(several_images(evidence) or _no_labels(evidence))


def _unused_images(evidence: Evidence, found: Conclusion) -> list[Finding]:
    """What is said of images that are in no folder of the plugin."""
    if not found.factory:
        return []
    folders: list[str] = []
    for key in ("images", "train", "masks", "targets", "test_images"):
        value = found.arguments.get(key) or ()
        folders += [value] if isinstance(value, str) else value
    images = evidence.inventory.images
    left = {
        f: len(names) for f, names in images.items() if not evidence.inventory.is_in(f, folders)
    }
    if not left:
        return []
    names = ", ".join(list(left)[:3]) + ", ..." * (len(left) > 3)
    several = several_images(evidence) if found.form == "table" else None
    why = several.found if several else "they are neither training nor test images"
    return [Finding(f"{sum(left.values()):,} images in {names} are not used", why, "likely")]


def _no_labels(evidence: Evidence) -> Missing:
    """What is said of images without anything that could be labels."""
    for suffix, what in ANNOTATIONS.items():
        if evidence.inventory.others[suffix] > (suffix == ".txt") * 2:
            return Missing(
                question="Where are the labels of the images?",
                choices=(),
                found=f"{evidence.inventory.image_count:,} images and "
                f"{evidence.inventory.others[suffix]:,} {suffix} files, which may be {what}",
                advice="comp does not read annotations, and does not find objects: write a CSV "
                "with the names of the images and one label each, or masks",
            )
    tables = [table.path for table in evidence.tables]
    folders = list(evidence.inventory.images)[:3]
    return Missing(
        question="Where are the labels of the images?",
        choices=(),
        found=f"{evidence.inventory.image_count:,} images in {', '.join(folders)}, and "
        + (f"the tables {', '.join(tables[:3])}, whose cells name none of them" if tables
           else "no table, no folders of classes, no masks")
        + _others(evidence.inventory),
        advice="add a CSV with a column of the names of the images and one of the labels, or put "
        "the images of each class into a folder",
    )  # fmt: skip


def _nothing(inventory: Inventory) -> Missing:
    """What is said of data without images and tables that comp reads."""
    suffixes = set(inventory.others)
    found = sorted(suffixes & ARRAYS)
    if found and not suffixes & (SOUNDS | VIDEOS):
        return Missing(
            question="What is to be predicted?",
            choices=(),
            found=f"no images{_others(inventory)}",
            advice=f"comp does not read {', '.join(found)}: save tables as CSV, images as PNG or "
            "JPEG, and volumes slice by slice",
        )
    kind = "sounds" if suffixes & SOUNDS else "videos" if suffixes & VIDEOS else "files"
    advice = {
        "sounds": "draw spectrograms and save them as images",
        "videos": "save frames as images",
    }.get(kind, "save images as PNG or JPEG, and tables as CSV")
    return Missing(
        question="What is to be predicted?",
        choices=(),
        found=f"no images{' and no tables' * (not inventory.tables)}{_others(inventory)}",
        advice=f"comp does not read {kind} of this format: {advice}",
    )


def _others(inventory: Inventory) -> str:
    found = ", ".join(
        f"{count:,} {suffix or 'without suffix'}"
        for suffix, count in inventory.others.most_common(4)
    )
    return f"; other files: {found}" if found else ""
