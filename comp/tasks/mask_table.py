"""Segmentation data: folders of images and masks, a table of ids, and run lengths to submit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comp.contract.sample import Reader, Sample, Split
from comp.contract.task import Task
from comp.errors import DataError
from comp.tasks.mask_checks import (
    EMPTY,
    UNREADABLE,
    check_classes,
    check_empty_mark,
    check_format,
    check_some_inside,
    mask_reading,
)
from comp.tasks.mask_files import check_all_exist, check_all_used, images_of, masks_of, read_table
from comp.tasks.mask_rows import Cells, Key, cells_of, groups_of, keys_of
from comp.tasks.sample_columns import NO_COLUMNS, SampleColumns

if TYPE_CHECKING:
    import numpy as np

    from comp.config.schema import RunConfig
    from comp.submission.rle import RleFormat
    from comp.tasks.mask_form import MaskForm

COVERAGES = (0.0, 0.05, 0.15, 0.3, 0.5, 0.75)
"""Limits of the share of an image inside its mask; folds are stratified by them."""
RARE = 10
"""Strata with fewer samples are joined with the largest one."""


@dataclass(frozen=True, kw_only=True)
class MaskTable:
    """The files and columns of a segmentation, and the content of its submission."""

    task: Task
    labels: tuple[str, ...]
    """Labels of the task that are submitted."""
    images: str
    """Folder of the training images."""
    masks: str
    """Folder of their masks, which have the names of the images; the suffix may differ."""
    test_images: str
    table: str | None
    """CSV file with the ids of the training images; None: all images of the folder."""
    id_column: str
    rle_column: str | None
    """Column of the run lengths in the submission, and in `table` if it has it; None: each class
    has a column with its name."""
    group_column: str | None
    class_column: str | None
    """Column of the class in the submission; None: ids are `<image>_<class>` if there are several
    classes, else `<image>`."""
    sample_submission: str | None
    more: SampleColumns = NO_COLUMNS
    rle: RleFormat | None = None
    """How run lengths are written; None: down the columns, first pixel 1, empty ""."""
    join_rows: bool = False
    """Whether rows of the same image and class in a table of run lengths are parts of one mask."""
    mask_suffix: str = ""
    """What is behind the names of the images in those of the masks, such as "_mask"."""
    submit_size: tuple[int, int] | None = None
    """Height and width of the submitted masks; None: those of the image."""

    @property
    def form(self) -> RleFormat:
        """The format of run lengths."""
        from comp.submission.rle import RleFormat

        return self.rle or RleFormat()

    def samples(self, root: Path, split: Split) -> Sequence[Sample]:
        """The images of a split; a training image has its mask as target, and its coverage as
        stratum.

        Raises:
            DataError: a file is missing, or the run lengths of the table have another format.
        """
        return self._train(root) if split == "train" else self._test(root)

    @property
    def rle_columns(self) -> dict[str, str]:
        """Submitted label -> the column of its run lengths."""
        return {label: self.rle_column or label for label in self.labels}

    @property
    def sample_columns(self) -> list[str]:
        """Columns of `table` with the weight, the time and the group of an image."""
        return [*self.more.names, *filter(None, [self.group_column])]

    def keys(
        self, path: Path, frame: Mapping[str, Sequence[Any]], labels: Sequence[str] = ()
    ) -> list[Key]:
        """The image and the label of each row of a table with rows of some labels, by default those
        that are submitted."""
        labels = labels or self.labels
        if self.rle_column is None:
            return [(i, "") for i in frame[self.id_column]]
        if len(labels) == 1 and not self.class_column:
            return [(i, labels[0]) for i in frame[self.id_column]]
        return keys_of(path, frame, self.id_column, self.class_column, labels)

    def training_keys(self, path: Path, frame: Mapping[str, Sequence[Any]]) -> list[Key]:
        """The keys of a training table, which has all labels of the task, or only the one that is
        submitted, without it in the ids."""
        first = next(iter(frame[self.id_column]), "")
        joined = any(first.endswith(f"_{label}") for label in self.task.labels)
        return self.keys(path, frame, self.task.labels if joined or len(self.labels) > 1 else ())

    def fields_of(
        self, path: Path, images: Sequence[str], frame: Mapping[str, Sequence[Any]]
    ) -> dict[str, dict[str, Any]]:
        """Weight, time and group of each image, as fields of its sample.

        Args:
            images: the image of each row of `frame`.

        Raises:
            DataError: a value is missing, or two rows of an image differ.
        """
        fields = self.more.of_images(path, images, frame)
        if self.group_column is None:
            return fields
        groups = groups_of(path, images, frame[self.group_column], self.group_column)
        return {image: {**fields[image], "group": group} for image, group in groups.items()}

    def _train(self, root: Path) -> Sequence[Sample]:
        folder, cells = root / self.images, Cells()
        fields: dict[str, dict[str, Any]] = {}
        images = everything = self._without_masks(images_of(folder, ()))
        ids = list(images)
        if self.table:
            path = root / self.table
            frame = read_table(path, [self.id_column, *self.sample_columns])
            keys = self._training_keys(path, frame, images_of(folder, frame[self.id_column]))
            ids = [image for image, _ in keys]
            images = images_of(folder, ids)
            fields = self.fields_of(path, ids, frame)
            several = len(self.labels) > 1 and any(label for _, label in keys)
            if several or len(set(keys)) == len(keys):
                ids = list(dict.fromkeys(ids))
            if len(set(ids)) < len(ids):
                raise DataError(f"{path} has an {self.id_column} more than once")
            known = self.rle_column is None or all(label for _, label in keys)
            if known and set(self.rle_columns.values()) <= set(frame):
                cells = cells_of(path, frame, keys, self.rle_columns, self.task.labels)
        check_all_exist(ids, images, folder, root / self.table if self.table else None)
        place = root / self.masks
        files = images_of(place, ())
        masks = masks_of(images, folder, files, self.mask_suffix)
        check_all_exist(ids, masks, place, folder)
        check_all_used(everything.values(), (root, folder, place), files, self.mask_suffix)
        found_strata = [_coverage(masks[i], self.task) for i in ids]
        check_some_inside(place, found_strata, self.task)
        strata = without_rare(found_strata)
        if cells:
            check_format(root / str(self.table), cells, masks, self)
            self._check_empty_mark(root, cells)
        return [
            Sample(
                id=i,
                image=images[i],
                target=masks[i],
                stratum=stratum,
                **fields.get(i, {}),
            )
            for i, stratum in zip(ids, strata, strict=True)
        ]

    def _without_masks(self, images: Mapping[str, Path]) -> dict[str, Path]:
        """Images without the masks that are in the same folder."""
        shared = self.mask_suffix and self.masks == self.images
        return {
            i: p for i, p in images.items() if not (shared and p.stem.endswith(self.mask_suffix))
        }

    def _training_keys(
        self, path: Path, frame: Mapping[str, Sequence[Any]], images: Mapping[str, Path]
    ) -> list[Key]:
        """The keys of the training table, whose rows may be images without a class."""
        ids = frame[self.id_column]
        of_images = set(ids[:1]) <= set(images) or self.class_column
        if of_images and self.class_column not in frame:
            label = self.labels[0] if len(self.labels) == 1 else ""
            return [(i, label) for i in ids]
        return self.training_keys(path, frame)

    def _test(self, root: Path) -> Sequence[Sample]:
        folder = root / self.test_images
        ids: Iterable[str] = ()
        if self.sample_submission:
            path = root / self.sample_submission
            keys = self.keys(path, read_table(path, [self.id_column, self.class_column]))
            check_classes(path, keys, self.labels)
            ids = dict.fromkeys(image for image, _ in keys)
        images = images_of(folder, ids)
        ids = ids or images
        listed = root / self.sample_submission if self.sample_submission else None
        check_all_exist(ids, images, folder, listed)
        return [Sample(id=i, image=images[i]) for i in ids]

    def _check_empty_mark(self, root: Path, cells: Cells) -> None:
        sample = root / self.sample_submission if self.sample_submission else None
        written = [cell for of_image in cells.values() for cell in of_image]
        columns = list(self.rle_columns.values())
        check_empty_mark(root / str(self.table), written, sample, columns, self.form.empty)

    def reader(self, samples: Sequence[Sample], config: RunConfig, folder: Path) -> Reader:
        """A reader of colour images, and of mask images with the values that they have on disk."""
        from comp.data.images.prepare import masked_reader

        return replace(masked_reader(samples, config, folder), **mask_reading(self.task))

    def rows(
        self,
        sample: Sample,
        _prediction: np.ndarray,
        decision: np.ndarray,
    ) -> Mapping[str, Any]:
        """The run lengths of the masks of the submitted labels, from masks (H, W, K): one row per
        label, or one column."""
        return self.row_form.rows(sample.id, decision)

    @property
    def row_form(self) -> MaskForm:
        """How masks are submitted, as plain values."""
        from comp.tasks.mask_form import MaskForm

        return MaskForm(
            labels=self.labels,
            planes=[self.task.labels.index(label) for label in self.labels],
            id_column=self.id_column,
            rle_column=self.rle_column,
            class_column=self.class_column,
            rle=self.form,
            size=self.submit_size,
        )

    def draw(self, root: Path, rng: np.random.Generator) -> None:
        """Draw a small data set in this layout: bright blobs on grey noise, some images without."""
        from comp.tasks.draw_masks import draw_masked_images

        draw_masked_images(self, root, rng)


def without_rare(strata: Sequence[str]) -> list[str] | list[None]:
    """Put the samples of strata that are too small for several folds into the largest stratum; None
    for all samples if only one is left."""
    counts = Counter(strata)
    largest = max(counts, key=counts.__getitem__, default="")
    joined = [name if counts[name] >= RARE else largest for name in strata]
    return joined if len(set(joined)) > 1 else [None] * len(joined)


def _coverage(mask: Path, task: Task) -> str:
    """The coverage class of a mask, "empty", "to 5 %", ..., or the labels that it has.

    A mask that cannot be read is left to the check of the images.

    Raises:
        DataError: its values do not fit the task.
    """
    try:
        status = mask.stat()
    except OSError:
        return UNREADABLE
    return _coverage_of(mask, task, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=2**17)
def _coverage_of(mask: Path, task: Task, _size: int, _changed: int) -> str:
    from comp.data.images.masks import read_mask

    try:
        values = read_mask(mask, **mask_reading(task))
    except DataError:
        return UNREADABLE
    problem = task.check_image(values) if task.check_image else ""
    if problem:
        raise DataError(f"{mask} {problem}")
    shares = task.encode(values).mean((0, 1))
    if len(shares) > 1:
        names = [name for name, share in zip(task.labels, shares, strict=True) if share]
        return " and ".join(names) or EMPTY
    limit = next((limit for limit in COVERAGES if shares[0] <= limit), 1.0)
    return f"to {limit:.0%}" if limit else EMPTY
