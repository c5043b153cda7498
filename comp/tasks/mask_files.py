"""The files of a segmentation: tables as text, and the images and masks of a folder by id."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from comp.config.nearest import did_you_mean
from comp.data.listing import below, image_files, samples_in_folder
from comp.data.text_table import TableError, list_of, read_text_table
from comp.errors import DataError
from comp.tasks.image_ids import ImageIndex, ImageSearch
from comp.tasks.missing_images import missing_message


def read_table(path: Path, needed: Sequence[str | None]) -> dict[str, list[Any]]:
    """The columns of a CSV file as text; blank cells are None.

    Raises:
        DataError: the file cannot be read, or a column of `needed` is missing or has blank cells.
    """
    frame = read_text_table(path)
    for name in filter(None, needed):
        if name not in frame.columns:
            raise TableError(
                f"{path} has no column '{name}', only {list_of(frame.columns)}: "
                f"{did_you_mean(name, frame.columns)}correct the column names in the plugin"
            )
    first = needed[0]
    if first and frame[first].null_count():
        raise DataError(f"{path} has a row without {first}: add it, or remove the row")
    return frame.to_dict(as_series=False)


def images_of(folder: Path, ids: Iterable[str]) -> dict[str, Path]:
    """The images below a folder, by their path in it: without suffix, or with it if the first of
    `ids` has one.

    Raises:
        DataError: there are none, or two of them differ only in the suffix.
    """
    images = {sample.id: sample.image_file for sample in samples_in_folder(folder)}
    first = next(iter(ids), None)
    if first is None or first in images:
        return images
    names = {below(image, folder): image for image in images.values()}
    return names if first in names else images


def masks_of(
    images: Mapping[str, Path], folder: Path, masks: Mapping[str, Path], suffix: str = ""
) -> dict[str, Path]:
    """The masks of images, by the id of the image; images without a mask are left out.

    Args:
        images: the images of `folder`, by id.
        masks: the images of the folder of the masks, whose names are those of the images; the
            suffix may differ.
        suffix: what is behind these names, before the suffix, such as "_mask".
    """
    names = {i: f"{_name(image, folder)}{suffix}" for i, image in images.items()}
    return {i: masks[name] for i, name in names.items() if name in masks}


def check_all_used(
    images: Iterable[Path], folders: tuple[Path, Path, Path], masks: Iterable[str], suffix: str
) -> None:
    """Check that each mask has an image, which may be one that is not used, such as a test image.

    Args:
        images: all images of their folder, but not the masks in it.
        folders: those of the data, of the images, and of the masks.
        masks: the names of all images in the folder of the masks.
        suffix: as in `masks_of`.

    Raises:
        DataError: a mask has no image; it may be that of a second object.
    """
    root, folder, place = folders
    names, known = {_name(image, folder) for image in images}, set(masks)
    lone = known - {f"{name}{suffix}" for name in names}
    if suffix:
        lone = {name for name in lone if _is_mask(name, names, known, suffix)}
    elif folder.is_relative_to(place):  # the images are among the masks
        lone = set()
    lone = {name for name in lone if not _is_other_kind(name, names)}
    if lone:
        others = [path for path in image_files(root, any_name=True) if place not in path.parents]
        lone -= {f"{end}{suffix}" for path in others for end in _ends(_name(path, root))}
    if lone:
        behind = f" with {suffix} behind it" if suffix else ""
        raise DataError(
            f"{len(lone):,} of the masks in {place} have no image in {folder}, the first is "
            f"'{min(lone)}': an image has one mask, which has its name{behind}, so join the masks "
            "of an image into one, and remove masks without an image"
        )


def _name(image: Path, folder: Path) -> str:
    """The path of an image below a folder, without suffix."""
    return below(image, folder).rpartition(".")[0]


def _ends(name: str) -> list[str]:
    """The ends of a path: a/b/c, b/c and c."""
    parts = name.split("/")
    return ["/".join(parts[start:]) for start in range(len(parts))]


def _is_mask(name: str, images: Container[str], files: Container[str], suffix: str) -> bool:
    """Whether a file is a mask by its name: that of an image with the suffix, and perhaps more."""
    image, _, rest = name.rpartition(suffix)
    return not rest or (image in images and f"{name}{suffix}" not in files)


def _is_other_kind(name: str, images: Container[str]) -> bool:
    """Whether a file is another picture of an image, such as a_color.png beside the mask a.png."""
    kind = re.fullmatch(r"(.+?)[-_. ]+[^\W\d_]+", name)
    return bool(kind) and kind[1] in images  # type: ignore[index]


def check_all_exist(
    ids: Iterable[str], found: Mapping[str, Path], folder: Path, listed: Path | None = None
) -> None:
    """Check that each id has an image.

    Args:
        listed: the table or folder with the ids, for the message.

    Raises:
        DataError: an id is not in `found`; the message says why, as far as the folder shows it.
    """
    names = list(ids)
    missing = [i for i in names if i not in found]
    if missing:
        search = ImageSearch(
            root=folder.parent,
            folders=[folder],
            table=listed or folder,
            folder_argument="the folders",
            id_argument="the columns",
            one_folder=True,
        )
        raise DataError(missing_message(search, ImageIndex([folder]), missing, names))
