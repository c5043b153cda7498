"""Segmentation data whose training masks are run lengths in a table."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comp.contract.sample import Reader, Sample
from comp.errors import DataError
from comp.tasks.mask_checks import CHECKED, EMPTY, check_some_inside
from comp.tasks.mask_files import check_all_exist, images_of, read_table
from comp.tasks.mask_rows import Cells, cells_of
from comp.tasks.mask_table import MaskTable, without_rare

if TYPE_CHECKING:
    from comp.config.schema import RunConfig

EXTERNAL = re.compile(r"^external-\d+/")
"""What `comp.data.external` puts before the id of a sample."""


@dataclass(frozen=True, kw_only=True)
class RleTable(MaskTable):
    """Folders of images, and a table with a row per image, or per image and class.

    The classes of the rows or columns are named as in the submission. All images of the folder are
    samples: one without a row, or with a blank cell, has empty masks.
    """

    def _train(self, root: Path) -> Sequence[Sample]:
        path = root / str(self.table)
        cells, fields = self._cells(path), self._fields(path)
        images = images_of(root / self.images, cells)
        check_all_exist(cells, images, root / self.images, path)
        self._refuse_test_images(root, images, cells)
        without = [i for i in images if self.sample_columns and i not in fields]
        if without:
            raise DataError(
                f"{path} has no row for the image '{without[0]}' ({len(without)} such images), and "
                f"so no {' and no '.join(self.sample_columns)}: add the rows"
            )
        samples = [Sample(id=i, image=image, target=path) for i, image in images.items()]
        self._check_some(path, samples, cells)
        found = [self._labels_of(cells.get(sample.id, ())) for sample in samples]
        check_some_inside(path, found, self.task)
        self._check_empty_mark(root, cells)
        strata = without_rare(found)
        return [
            replace(s, stratum=stratum, **fields.get(s.id, {}))
            for s, stratum in zip(samples, strata, strict=True)
        ]

    def _refuse_test_images(
        self, root: Path, images: Mapping[str, Path], cells: Container[str]
    ) -> None:
        """Refuse test images among the training images: without a row, they would be images with
        empty masks.

        Raises:
            DataError: there are some.
        """
        folder, test = root / self.images, root / self.test_images
        if not test.is_relative_to(folder):
            return
        without = {path: i for i, path in images.items() if i not in cells}
        found = [path for path in without if path.is_relative_to(test)]
        if test == folder:
            sample = root / str(self.sample_submission)
            listed = {s.image for s in self._test(root)} if sample.is_file() else set()
            found = [path for path in found if path in listed]
        if found:
            raise DataError(
                f"{folder} has {len(found):,} test images, such as '{without[found[0]]}', and an "
                "image without a row would train with an empty mask: move the training images into "
                "a folder of their own"
            )

    def _fields(self, path: Path) -> dict[str, dict[str, Any]]:
        """Weight, time and group of each image in the table."""
        if not self.sample_columns:
            return {}
        frame = read_table(path, [self.id_column, self.class_column, *self.sample_columns])
        images = [image for image, _ in self.training_keys(path, frame)]
        return self.fields_of(path, images, frame)

    def _cells(self, path: Path) -> Cells:
        """The run lengths of the images in the table."""
        columns = {label: self.rle_column or label for label in self.task.labels}
        needed = [self.id_column, *dict.fromkeys(columns.values())]
        frame = read_table(path, [*needed, self.class_column])
        keys = self.training_keys(path, frame)
        return cells_of(path, frame, keys, columns, self.task.labels, self.join_rows)

    def _labels_of(self, cells: Sequence[str | None]) -> str:
        from comp.submission.rle import read_runs

        pairs = zip(self.task.labels, cells, strict=False)
        return " and ".join(name for name, cell in pairs if len(read_runs(cell))) or EMPTY

    def _check_some(self, path: Path, samples: Sequence[Sample], cells: Cells) -> None:
        """Decode some masks, so that a wrong format stops a run before training.

        Raises:
            DataError: run lengths are not in the format, or leave their image; or the masks of the
                other order are far smoother, or fit their images far better.
        """
        import numpy as np

        from comp.data.rle_masks import RleMaskReader, order_problem, transposed_problem

        reader = RleMaskReader(cells=cells, labels=self.task.labels, form=self.form)
        with_masks = [s for s in samples if self._labels_of(cells.get(s.id, ())) != EMPTY]
        read: list[str | None] = []
        sizes: list[tuple[int, int]] = []
        pairs: list[tuple[np.ndarray, np.ndarray]] = []
        for sample in with_masks[:CHECKED]:
            item = reader(sample)
            mask = np.asarray(item["target"].any(axis=2))
            height, width = mask.shape
            read += cells[sample.id]
            sizes += [(height, width)] * len(cells[sample.id])
            if not mask.all() and height == width:
                pairs.append((item["image"].mean(axis=2), mask))
        problem = order_problem(read, sizes, self.form)
        if not problem and pairs and len({mask.shape for _, mask in pairs}) == 1:
            images, masks = map(np.stack, zip(*pairs, strict=True))
            problem = transposed_problem(images, masks, self.form)
        if problem:
            raise DataError(f"{path} {problem}")

    def reader(self, samples: Sequence[Sample], _config: RunConfig, folder: Path) -> Reader:
        """A reader of colour images, with the masks of the table."""
        from comp.data.images.prepared import PreparedImages
        from comp.data.rle_masks import RleMaskReader

        tables: dict[Path, Cells] = {}
        cells: Cells = {}
        for sample in samples:
            if isinstance(sample.target, Path):
                path = sample.target
                if path not in tables:
                    tables[path] = self._cells(path)
                cells[sample.id] = self._cells_of(sample, tables[path], path)
        return RleMaskReader(
            cells=cells,
            labels=self.task.labels,
            form=self.form,
            value_range=PreparedImages.read_pointer(folder).value_range,
        )

    def _cells_of(self, sample: Sample, cells: Cells, path: Path) -> tuple[str | None, ...]:
        """The run lengths of a sample; all blank if its image does not have a row.

        Raises:
            DataError: its id is neither in the table nor that of its image.
        """
        name = EXTERNAL.sub("", sample.id) if sample.train_only else sample.id
        if name in cells:
            return cells[name]
        image = sample.image_file
        if not any(f"/{p.as_posix()}".endswith(f"/{name}") for p in (image, image.with_suffix(""))):
            raise DataError(f"{path} has no row '{name}' for {image.name}: correct the table")
        return (None,) * len(self.task.labels)
