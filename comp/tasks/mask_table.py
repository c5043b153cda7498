"""Segmentation data: folders of images and masks, a table of ids, and run lengths to submit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comp.contract.sample import Reader, Sample, Split
from comp.contract.task import Task
from comp.errors import DataError
from comp.tasks.mask_checks import (
    EMPTY,
    UNREADABLE,
    check_empty_mark,
    check_order_of_classes,
    check_some_inside,
    mask_reading,
)

if TYPE_CHECKING:
    import numpy as np

    from comp.config.schema import RunConfig
    from comp.submission.rle import RleFormat

CHECKED = 32
"""Training masks that are compared with their run lengths."""
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
    rle_column: str
    """Column of the run lengths in the submission, and in `table` if it has it."""
    group_column: str | None
    class_column: str | None
    """Column of the class in the submission; None: ids are `<image>_<class>` if there are several
    classes, else `<image>`."""
    sample_submission: str | None
    rle: RleFormat | None = None
    """How run lengths are written; None: down the columns, first pixel 1, empty ""."""

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

    def _train(self, root: Path) -> Sequence[Sample]:
        images, masks = by_name(root / self.images), by_name(root / self.masks)
        cells: dict[str, str | None] = {}
        groups: dict[str, str | None] = {}
        ids = list(images)
        if self.table:
            frame = read_table(root / self.table, [self.id_column, self.group_column])
            ids = frame[self.id_column]
            groups = dict(zip(ids, frame.get(self.group_column or "", ids), strict=True))
            if self.rle_column in frame and len(self.labels) == 1:
                cells = dict(zip(ids, frame[self.rle_column], strict=True))
        for found, folder in ((images, self.images), (masks, self.masks)):
            _check_all_exist(ids, found, root / folder)
        if len(set(ids)) < len(ids):
            raise DataError(f"{root / (self.table or '')} has an {self.id_column} more than once")
        found_strata = [_coverage(masks[i], self.task) for i in ids]
        check_some_inside(root / self.masks, found_strata, self.task)
        strata = without_rare(found_strata)
        if cells:
            self._check_format(root, ids, cells, masks)
            self._check_empty_mark(root, cells.values())
        return [
            Sample(
                id=i,
                image=images[i],
                target=masks[i],
                group=groups.get(i) if self.group_column else None,
                stratum=stratum,
            )
            for i, stratum in zip(ids, strata, strict=True)
        ]

    def _test(self, root: Path) -> Sequence[Sample]:
        images = by_name(root / self.test_images)
        ids: Iterable[str] = images
        if self.sample_submission:
            path = root / self.sample_submission
            frame = read_table(path, [self.id_column, self.class_column])
            found = [self.split_id(row, path)[0] for row in frame[self.id_column]]
            if self.class_column:
                check_order_of_classes(path, found, frame[self.class_column], self.labels)
            ids = dict.fromkeys(found)
        _check_all_exist(ids, images, root / self.test_images)
        return [Sample(id=i, image=images[i]) for i in ids]

    def split_id(self, row_id: str, path: Path) -> tuple[str, str]:
        """The image and the label of a row of `path`; "" for the label if the id does not have it.

        Of several labels that fit, the longest counts.
        """
        if len(self.labels) == 1 or self.class_column:
            return row_id, ""
        fitting = [label for label in self.labels if row_id.endswith(f"_{label}")]
        if not fitting:
            raise DataError(
                f"{path} has the {self.id_column} '{row_id}', which does not end with a class "
                f"({', '.join(self.labels)}): correct the classes or class_column"
            )
        label = max(fitting, key=len)
        return row_id.removesuffix(f"_{label}"), label

    def _check_empty_mark(self, root: Path, cells: Iterable[str | None]) -> None:
        sample = root / self.sample_submission if self.sample_submission else None
        table = root / str(self.table)
        check_empty_mark(table, cells, sample, self.rle_column, self.form.empty)

    def _check_format(
        self,
        root: Path,
        ids: Sequence[str],
        cells: Mapping[str, str | None],
        masks: Mapping[str, Path],
    ) -> None:
        """Compare the format of the submission with the run lengths of some training masks.

        Raises:
            DataError: they differ.
        """
        from comp.data.images.masks import read_mask
        from comp.submission.rle import detect_format, is_blank

        full = [i for i in ids if not is_blank(cells[i])][:CHECKED]
        blank = [i for i in ids if is_blank(cells[i])][:1]
        read = [read_mask(masks[i], **mask_reading(self.task)) for i in [*full, *blank]]
        if not full:
            return
        found, why = detect_format(
            [cells[i] for i in [*full, *blank]],
            [mask.shape[:2] for mask in read],
            masks=[mask[..., 0] for mask in read],
        )
        if (found.order, found.base) != (self.form.order, self.form.base):
            raise DataError(
                f"{root / str(self.table)} has run lengths in {found} ({why.split(':')[-1].strip()}"
                f"), but the plugin writes {self.form}: correct its rle"
            )

    def reader(self, samples: Sequence[Sample], config: RunConfig, folder: Path) -> Reader:
        """A reader of colour images, and of mask images with the values that they have on disk."""
        from comp.data.images.prepare import masked_reader

        return partial(masked_reader(samples, config, folder), **mask_reading(self.task))

    def rows(
        self,
        sample: Sample,
        _prediction: np.ndarray,
        decision: np.ndarray,
    ) -> Mapping[str, Any]:
        """One row per submitted label with the run lengths of its mask, from masks (H, W, K)."""
        from comp.submission.rle import encode

        several = len(self.labels) > 1 and not self.class_column
        ids = [f"{sample.id}_{label}" if several else sample.id for label in self.labels]
        classes = {self.class_column: list(self.labels)} if self.class_column else {}
        planes = [decision[..., self.task.labels.index(label)] for label in self.labels]
        cells = [encode(plane, self.form) for plane in planes]
        return {self.id_column: ids, **classes, self.rle_column: cells}

    def draw(self, root: Path, rng: np.random.Generator) -> None:
        """Draw a small data set in this layout: bright blobs on grey noise, some images without."""
        from comp.tasks.draw_masks import draw_masked_images

        draw_masked_images(self, root, rng)


def by_name(folder: Path) -> dict[str, Path]:
    """The images below a folder, by their path in it without suffix.

    Raises:
        DataError: there are none, or two of them differ only in the suffix.
    """
    from comp.data.listing import samples_in_folder

    return {sample.id: sample.image for sample in samples_in_folder(folder)}


def _check_all_exist(ids: Iterable[str], found: Mapping[str, Path], folder: Path) -> None:
    missing = [i for i in ids if i not in found]
    if missing:
        raise DataError(
            f"{folder} has no image '{missing[0]}' ({len(missing)} missing): fetch the data again, "
            "or correct the folders and columns of the plugin"
        )


def read_table(path: Path, needed: Sequence[str | None]) -> dict[str, list[Any]]:
    """The columns of a CSV file as text; blank cells are None.

    Raises:
        DataError: the file cannot be read, or a column of `needed` is missing or has blank cells.
    """
    import polars as pl

    try:
        frame = pl.read_csv(path, infer_schema=False, glob=False)
    except FileNotFoundError:
        raise DataError(f"no {path.name} in {path.parent}: fetch the data again") from None
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"cannot read {path}: {str(error).splitlines()[0]}") from None
    for name in filter(None, needed):
        if name not in frame.columns:
            raise DataError(
                f"{path} has no column '{name}', only {', '.join(frame.columns)}: correct the "
                "column names in the plugin"
            )
    first = needed[0]
    if first and frame[first].null_count():
        raise DataError(f"{path} has a row without {first}: add it, or remove the row")
    return frame.to_dict(as_series=False)


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
