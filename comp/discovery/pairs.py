"""Folders of images that belong together: masks, or images that images become."""

from __future__ import annotations

import re
from typing import Any

from comp.data.listing import below
from comp.discovery.conclusion import Conclusion, Finding, Missing
from comp.discovery.evidence import Evidence
from comp.discovery.folder_groups import groups_of_images
from comp.discovery.label_table import LabelTable
from comp.discovery.masks import mask_folders
from comp.discovery.paired_folders import (
    Pair,
    TargetFacts,
    equal_channels,
    files_of,
    find_pair,
    grey,
    target_facts,
)

FACTORY = "comp.tasks.image_pairs.image_pairs"
_PIXEL = re.compile(r"^.+_\d+_\d+$")


def of_pairs(evidence: Evidence, table: LabelTable | None = None) -> Conclusion | None:
    """The conclusion from two folders of images with the same names; None if there are none.

    Args:
        table: a table with the ids of the images.
    """
    pair = find_pair(evidence.inventory)
    if pair is None:
        return _gifs(evidence) if table is None else None
    facts = target_facts(files_of(evidence.inventory, pair))
    if not facts.readable:
        return None
    if facts.values or facts.noisy or (facts.coloured and _named_masks(pair)):
        return mask_folders(evidence, pair, facts, table)
    return _image_pairs(evidence, pair, facts)


def _named_masks(pair: Pair) -> bool:
    return "mask" in (pair.targets + pair.suffix).lower() or "label" in pair.targets.lower()


def _gifs(evidence: Evidence) -> Conclusion | None:
    """What is said of masks in a format that is not read."""
    for folder, suffixes in evidence.inventory.other_folders.items():
        if "mask" in folder.lower() and suffixes and not evidence.roles.candidates:
            suffix, count = suffixes.most_common(1)[0]
            return evidence.without(
                Missing(
                    question="Where are the masks?",
                    choices=(),
                    found=f"{folder}/ has {count:,} files {suffix}, which comp does not read",
                    advice="convert them to PNG",
                )
            )
    return None


def _image_pairs(evidence: Evidence, pair: Pair, facts: TargetFacts) -> Conclusion:
    """Images to images."""
    files = files_of(evidence.inventory, pair)
    channels = 1 if grey(files) or equal_channels(files) else 3
    tested, arguments, missing = evidence.test_folder((pair.images, pair.targets))
    written, submitted, of_submission = _submission(evidence, channels)
    folder = evidence.root / pair.images
    pattern, of_names = groups_of_images([below(image, folder) for image, _ in files])
    said = evidence.hint.of("images")
    metric = said or "rmse"
    why = f"Kaggle calls it '{evidence.hint.said}'" if said else "the usual one of images"
    findings = [
        Finding(
            f"images of {pair.images}/ are to become those of {pair.targets}/",
            f"{len(files):,} have the same name and many grey levels",
        ),
        Finding(f"images are {'grey' if channels == 1 else 'coloured'}", "their channels say so"),
        *([of_names] if of_names else []),
        *tested,
        *submitted,
        Finding(f"the metric is {metric}", why, "sure" if said else "likely"),
    ]
    return Conclusion(
        form="pairs",
        factory=FACTORY,
        arguments={
            "images": pair.images,
            "targets": pair.targets,
            "channels": channels,
            **({"group_pattern": pattern} if pattern else {}),
            **arguments,
            **written,
        },
        metric=metric,
        findings=tuple(findings),
        missing=(*missing, *of_submission, *_other_sizes(pair, facts)),
        root=evidence.root,
    )


def _submission(
    evidence: Evidence, channels: int
) -> tuple[dict[str, Any], list[Finding], list[Missing]]:
    """The arguments for the submission, what is said about it, and what is missing."""
    table = evidence.roles.submission
    if table is None:
        return {}, [], [_other_submission("the data", ())]
    ids = list(table.glance(table.columns[0]).counts)
    arguments = {"sample_submission": table.path, **_columns(table.columns)}
    if len(table.columns) != 2 or channels == 3 or not all(map(_PIXEL.match, ids[:100])):
        return arguments, [], [_other_submission(table.path, table.columns)]
    images = dict.fromkeys(i.rsplit("_", 2)[0] for i in ids)
    match = evidence.names.match(images, table.path, ("test",))
    if match is None or match.missing:
        found = f"{table.path} has pixels of '{next(iter(images))}', and "
        found += match.gap if match else "no image has this name"
        missing = Missing("Where are the images of the test set?", (), found, "fetch them again")
        return arguments, [], [missing]
    arguments["test_images"] = match.folder
    why = f"{table.path} has ids such as '{ids[0]}'"
    return arguments, [Finding("the submission has a row for each pixel", why)], []


def _other_sizes(pair: Pair, facts: TargetFacts) -> list[Missing]:
    """What is missing if targets have another size than their images."""
    if not facts.sizes:
        return []
    target, size, other = facts.sizes[0]
    return [
        Missing(
            question="How do the images belong to their targets?",
            choices=(),
            found=f"{target.name} in {pair.targets}/ is {other[1]} x {other[0]} and its image "
            f"{size[1]} x {size[0]}",
            advice="resize the images to the size of their targets",
        )
    ]


def _columns(columns: tuple[str, ...]) -> dict[str, Any]:
    usual = {"id_column": "id", "value_column": "value"}
    given = dict(zip(usual, columns, strict=False))
    return {key: name for key, name in given.items() if name != usual[key]}


def _other_submission(path: str, columns: tuple[str, ...]) -> Missing:
    found = f"the columns {', '.join(columns[:5])}" if columns else "no sample submission"
    return Missing(
        question="How are images written into the submission?",
        choices=(),
        found=f"{path} has {found}",
        advice="comp writes a row for each pixel of a grey image: write rows of your own, see "
        "competitions/denoising",
    )
