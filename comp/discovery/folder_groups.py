"""Groups of images: in their names, or else their folders, such as one for each patient."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from comp.discovery.conclusion import Finding
from comp.discovery.groups import LEAST_GROUPS, MOST_OF_ONE, group_pattern

OF_FOLDER = r"([^/]*[0-9][^/]*)/[^/]*$"
"""The pattern of groups that are the folders of images."""
LEAST_OF_CLASS, MOST_IMAGES = 5, 0.9
"""Folders with a class, at least, in which so many of the images are: else folders say the class,
and to hold one out would hold out the whole class."""


def groups_of_images(
    paths: Sequence[str], classes: Sequence[str] = ()
) -> tuple[str | None, Finding | None]:
    """The pattern of the groups in the names of images, or else in those of their folders, and what
    is said about it.

    Args:
        paths: below the folder of the images, or of their class.
        classes: the class of each image, if it has one.
    """
    pattern, finding = group_pattern([path.rpartition("/")[2] for path in paths], classes)
    return (pattern, finding) if pattern else folder_groups(paths, classes)


def folder_groups(
    paths: Sequence[str], classes: Sequence[str] = ()
) -> tuple[str | None, Finding | None]:
    """The pattern of the groups that are numbered folders with several images each."""
    folders = [path.rpartition("/")[0].rpartition("/")[2] for path in paths]
    names = set(folders)
    numbered = all(re.search(r"[0-9]", name) for name in names)
    if not numbered or not LEAST_GROUPS <= len(names) <= 0.5 * len(paths):
        return None, None
    if max(Counter(folders).values()) > MOST_OF_ONE * len(paths):
        return None, None
    of_class: dict[str, set[str]] = defaultdict(set)
    for label, folder in zip(classes, folders, strict=False):
        of_class[label].add(folder)
    spread = sum(
        count for label, count in Counter(classes).items() if len(of_class[label]) >= LEAST_OF_CLASS
    )
    if spread < MOST_IMAGES * len(classes):
        return None, None
    why = f"{len(names):,} folders with {len(paths):,} images"
    return OF_FOLDER, Finding("the folder of an image is its group, as of a patient", why, "likely")
