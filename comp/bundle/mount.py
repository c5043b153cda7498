"""Folders like Kaggle's /kaggle/input: links to the data of a competition, and data of others."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal

from comp.errors import DataError

Layout = Literal["new", "old"]
"""The data of a competition is in `competitions/<slug>`, or in `<slug>`; Kaggle has both."""

OTHER = "datasets/somebody/another-competition/files/extra"
"""An unrelated data set beside it, which has a sample submission too."""


def link(source: Path, target: Path) -> None:
    """Link a file, by a hard link where the disk allows it.

    Raises:
        DataError: the file cannot be linked.
    """
    source = source.resolve()
    try:
        os.link(source, target)
        return
    except FileExistsError:
        raise DataError(f"two test images would have the name {target}: rename them") from None
    except OSError:  # another disk, or a disk without links
        pass
    try:
        target.symlink_to(source)
    except OSError as error:
        raise DataError(f"cannot link {source} to {target}: {error.strerror}") from None


def link_folder(source: Path, target: Path, without: Collection[Path] = ()) -> int:
    """Make a folder with links to all files of another one; returns their number.

    Args:
        without: relative paths of files that are left out.
    """
    count, left_out = 0, {Path(path) for path in without}
    for folder, folders, files in os.walk(source, followlinks=True):
        folders.sort()
        inside = Path(folder).relative_to(source)
        place = target / inside
        place.mkdir(parents=True, exist_ok=True)
        for name in files:
            if inside / name not in left_out:
                link(Path(folder) / name, place / name)
                count += 1
    return count


def make_mount(
    mount: Path, slug: str, bundle: Path, sample_submission: str | None, layout: Layout
) -> tuple[Path, Path]:
    """Make a folder like /kaggle/input with a bundle in it, and data that is not that of the
    competition; returns the folder for the data, which does not exist yet, and the bundle."""
    other = mount / OTHER
    other.mkdir(parents=True)
    name = Path(sample_submission or "sample_submission.csv").name
    (other / name).write_text("id,target\nanother_1,0\nanother_2,0\n")
    (other / "train.csv").write_text("id,target\nanother_3,1\n")
    linked = mount / "datasets" / "somebody" / "the-bundle"
    link_folder(bundle, linked)
    data = mount / "competitions" / slug if layout == "new" else mount / slug
    data.parent.mkdir(parents=True, exist_ok=True)
    return data, linked


def link_some(root: Path, target: Path, files: Mapping[Path, Path]) -> None:
    """Make links in a folder.

    Args:
        files: relative path there -> relative path below `root`.
    """
    for new, old in files.items():
        place = target / new
        place.parent.mkdir(parents=True, exist_ok=True)
        link(root / old, place)


def truncate(path: Path) -> None:
    """Replace a link by the first half of the file that it links to, which does not change."""
    data = path.read_bytes()
    with suppress(FileNotFoundError):
        path.unlink()
    path.write_bytes(data[: len(data) // 2])
