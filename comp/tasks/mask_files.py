"""The files of a segmentation: tables as text, and the images and masks of a folder by id."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from comp.config.nearest import did_you_mean
from comp.data.listing import below, samples_in_folder
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
    images: Mapping[str, Path], folder: Path, masks: Path, suffix: str = ""
) -> dict[str, Path]:
    """The masks of images, by the id of the image; images without a mask are left out.

    Args:
        images: the images of `folder`, by id.
        masks: the folder of the masks, whose names are those of the images; the suffix may differ.
        suffix: what is behind these names, before the suffix, such as "_mask".

    Raises:
        DataError: there are none, or two of them differ only in the suffix.
    """
    found = images_of(masks, ())
    names = {i: below(image, folder).rpartition(".")[0] for i, image in images.items()}
    return {i: found[name + suffix] for i, name in names.items() if name + suffix in found}


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
