"""Segmentation data whose training masks are run lengths in a table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from comp.contract.sample import Reader, Sample
from comp.errors import DataError
from comp.tasks.mask_checks import EMPTY, check_some_inside
from comp.tasks.mask_table import CHECKED, MaskTable, by_name, read_table, without_rare

if TYPE_CHECKING:
    from comp.config.schema import RunConfig

Cells = dict[str, tuple[str | None, ...]]
"""Id of an image -> the run lengths of each label."""
EXTERNAL = re.compile(r"^external-\d+/")
"""What `comp.data.external` puts before the id of a sample."""


@dataclass(frozen=True, kw_only=True)
class RleTable(MaskTable):
    """Folders of images, and a table with a row per image, or per image and class.

    The classes of the rows are named as in the submission. All images of the folder are samples:
    one without a row, or with a blank cell, has empty masks.
    """

    def _train(self, root: Path) -> Sequence[Sample]:
        path = root / str(self.table)
        images = by_name(root / self.images)
        cells, groups = self._cells(path)
        names = {
            image.relative_to(root / self.images).as_posix(): image for image in images.values()
        }
        if cells and next(iter(cells)) in names:  # ids have suffixes
            images = names
        missing = [i for i in cells if i not in images]
        if missing:
            raise DataError(
                f"{root / self.images} has no image '{missing[0]}' of {path.name} ({len(missing)} "
                "missing): fetch the data again, or correct the columns of the plugin"
            )
        samples = [Sample(id=i, image=image, target=path) for i, image in images.items()]
        self._check_some(path, samples, cells)
        found = [self._labels_of(cells.get(sample.id, ())) for sample in samples]
        check_some_inside(path, found, self.task)
        written = [cell for of_image in cells.values() for cell in of_image]
        self._check_empty_mark(root, written)
        strata = without_rare(found)
        return [
            Sample(id=s.id, image=s.image, target=path, stratum=stratum, group=groups.get(s.id))
            for s, stratum in zip(samples, strata, strict=True)
        ]

    def _cells(self, path: Path) -> tuple[Cells, dict[str, str]]:
        """The run lengths of the images in the table, and their groups."""
        needed = [self.id_column, self.rle_column, self.class_column, self.group_column]
        frame = read_table(path, needed)
        rows = zip(frame[self.id_column], frame[self.rle_column], strict=True)
        classes = frame.get(self.class_column or "", [None] * len(frame[self.id_column]))
        group_of = frame.get(self.group_column or "", [None] * len(classes))
        found: dict[str, dict[str, str | None]] = {}
        groups: dict[str, str] = {}
        for (row_id, cell), name, group in zip(rows, classes, group_of, strict=True):
            image = self.split_id(row_id, path)[0]
            label = self._label(row_id, name, path)
            if label in found.setdefault(image, {}):
                raise DataError(
                    f"{path} has two rows for '{image}' and {label}: join their run lengths"
                )
            found[image][label] = cell
            if group is not None:
                groups[image] = group
        return {i: tuple(map(of.get, self.task.labels)) for i, of in found.items()}, groups

    def _label(self, row_id: str, name: str | None, path: Path) -> str:
        if len(self.labels) == 1:
            return self.labels[0]
        label = name if self.class_column else self.split_id(row_id, path)[1]
        if label not in self.labels:
            raise DataError(
                f"{path} has the class '{label}' for '{row_id}', which is not one of "
                f"{', '.join(self.labels)}: correct the classes"
            )
        return label

    def _labels_of(self, cells: Sequence[str | None]) -> str:
        from comp.submission.rle import read_runs

        pairs = zip(self.task.labels, cells, strict=False)
        return " and ".join(name for name, cell in pairs if len(read_runs(cell))) or EMPTY

    def _check_some(self, path: Path, samples: Sequence[Sample], cells: Cells) -> None:
        """Decode some masks, so that a wrong format stops a run before training.

        Raises:
            DataError: run lengths are not in the format, or leave their image; or the masks of the
                other order are far smoother.
        """
        from comp.data.rle_masks import RleMaskReader, order_problem

        reader = RleMaskReader(cells=cells, labels=self.task.labels, form=self.form)
        with_masks = [s for s in samples if self._labels_of(cells.get(s.id, ())) != EMPTY]
        read: list[str | None] = []
        sizes: list[tuple[int, int]] = []
        for sample in with_masks[:CHECKED]:
            height, width = reader(sample)["image"].shape[:2]
            read += cells[sample.id]
            sizes += [(height, width)] * len(cells[sample.id])
        problem = order_problem(read, sizes, self.form)
        if problem:
            raise DataError(f"{path} {problem}")

    def reader(self, samples: Sequence[Sample], _config: RunConfig, folder: Path) -> Reader:
        """A reader of colour images, with the masks of the table."""
        from comp.data.images.cache import PreparedImages
        from comp.data.rle_masks import RleMaskReader

        tables: dict[Path, Cells] = {}
        cells: Cells = {}
        for sample in samples:
            if isinstance(sample.target, Path):
                path = sample.target
                if path not in tables:
                    tables[path] = self._cells(path)[0]
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
        image = sample.image
        if not any(f"/{p.as_posix()}".endswith(f"/{name}") for p in (image, image.with_suffix(""))):
            raise DataError(f"{path} has no row '{name}' for {image.name}: correct the table")
        return (None,) * len(self.task.labels)
