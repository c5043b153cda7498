"""Ids that name several images each: slices, frames, channels, or photographs of one thing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import PurePosixPath

from comp.discovery.conclusion import Missing
from comp.discovery.evidence import Evidence
from comp.discovery.tables import DataTable

LOOKED_AT = 200
"""Ids of a column that are looked for."""
ENOUGH = 0.5


def several_images(evidence: Evidence) -> Missing | None:
    """What is said if a column has the names of folders of images, or the beginnings of their
    names; None if no column has."""
    folders = _folders(evidence)
    for table in evidence.roles.candidates:
        for name in table.columns[:30]:
            ids = [i for i in list(table.glance(name).counts)[:LOOKED_AT] if len(i) > 1]
            in_folders = [i for i in ids if folders.get(i, 0) > 1]
            if ids and len(in_folders) >= ENOUGH * len(ids):
                first = in_folders[0]
                return _missing(table, name, f"'{first}' is a folder of {folders[first]} images")
            begun = _begun(evidence, ids)
            if ids and len(begun) >= ENOUGH * len(ids):
                first, files = max(begun.items(), key=lambda item: len(item[1]))
                if len(files) > 1:
                    shown = ", ".join(files[:3]) + ", ..." * (len(files) > 3)
                    return _missing(table, name, f"'{first}' has {len(files)} images ({shown})")
    return None


def _folders(evidence: Evidence) -> Counter[str]:
    """Name of a folder -> the images at or below it."""
    found: Counter[str] = Counter()
    for folder, files in evidence.inventory.images.items():
        for part in PurePosixPath(folder).parts:
            found[part] += len(files)
    return found


def _begun(evidence: Evidence, ids: list[str]) -> Mapping[str, list[str]]:
    """Id -> the images whose names are the id, a mark such as _ or -, and more."""
    names = sorted(name for files in evidence.inventory.images.values() for name in files)
    from bisect import bisect_left

    found: dict[str, list[str]] = {}
    for each in ids:
        for mark in "_-.":
            start = bisect_left(names, each + mark)
            files = [n for n in names[start : start + 50] if n.startswith(each + mark)]
            if files and PurePosixPath(files[0]).stem != each:
                found[each] = files
                break
    return found


def _missing(table: DataTable, name: str, found: str) -> Missing:
    return Missing(
        question="Which image belongs to a row?",
        choices=(),
        found=f"{name} of {table.path} names several images each: {found}",
        advice="comp reads one image for each row, not volumes, videos or several photographs: "
        "join the images of a row into one, write a table with a row for each image, or a plugin "
        "with your own samples and pool",
    )
