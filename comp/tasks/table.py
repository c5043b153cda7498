"""Image data with numbers as targets: a CSV of labels, folders of images, a sample submission."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from comp.contract.sample import Sample, Split
from comp.contract.task import Task
from comp.data.text_table import check_plain, header_of
from comp.tasks.cell_values import group_of_cell
from comp.tasks.feature_columns import NO_FEATURES, FeatureColumns
from comp.tasks.image_ids import (
    ImageSearch,
    drawn_folders,
    folders_of,
    list_images,
    names_of,
)
from comp.tasks.label_cells import LabelCells, grade_numbers
from comp.tasks.row_form import RowForm
from comp.tasks.sample_columns import NO_COLUMNS, SampleColumns
from comp.tasks.table_files import (
    TableProblems,
    and_more,
    find_images,
    first_column,
    read_columns,
    write_table,
)

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

Submit = Literal["probability", "probabilities", "label", "index", "labels", "numbers", "top"]
"""What a row of a submission contains after the id."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """The files and columns of a competition's data, and the content of its submission."""

    cells: LabelCells
    """The task, and the label columns of `labels`."""
    labels: str
    """CSV file of the training images: id, labels, and the group."""
    id_column: str
    """Column of the ids in `labels`."""
    group_column: str | None
    """Column of the groups: all images of a group are in the same fold."""
    images: str | tuple[str, ...]
    """Folder of the training images, which are named `<id>` or `<id>.<suffix>`; or several, by
    their names or by one name with wildcards, such as "part_*"."""
    test_images: str | tuple[str, ...]
    """Folder of the test images, or several. Their order is that of the sample submission, or of
    their names if `sample_submission` is None."""
    sample_submission: str | None
    submission_id: str | None
    """Column of the ids in the sample submission; None: its first column."""
    submit: Submit
    """What a row of the submission contains after the id:

    - "probability" of the second of two classes; "probabilities" of all classes or labels
    - "label": the name of the decided class; "index": its index
    - "labels": the names of the decided labels, with the separator between them
    - "numbers": the decided numbers, one for each label; or the predicted ones, if the task makes
      no decisions or the metric does not take them. Grades whose names are numbers are these
      numbers, else their indices.
    - "top": the names of the `top` most probable classes, best first
    """
    columns: tuple[str, ...]
    """Column names of the submission after the id. Those of the labels may stand in any order:
    each value is in the column of its label."""
    separator: str = " "
    """What is between the names in a cell of "labels" and "top"."""
    top: int = 5
    decided: bool = True
    """Whether "numbers" are those of the decision."""
    more: SampleColumns = NO_COLUMNS
    """Columns of `labels` with the weight and the time of each image."""
    beside: FeatureColumns = NO_FEATURES
    """Columns that the network gets beside the image."""
    exact: bool = False
    """Whether predicted numbers are written with all digits, so that different ones stay different
    however small they are."""

    @property
    def task(self) -> Task:
        """What is predicted."""
        return self.cells.task

    def samples(self, root: Path, split: Split) -> Sequence[Sample]:
        """The samples of a split; the stratum of exclusive classes is the name of the class.

        Raises:
            DataError: the table cannot be read.
            UnfitSamplesError: a value is missing, repeated or unknown; it carries all samples that
                are listed.
        """
        if split == "train":
            return self._train(root)
        if self.sample_submission is None:
            return list_images(folders_of(root, self.test_images, "test_images"))
        path = root / self.sample_submission
        check_plain(path)
        problems = TableProblems()
        name = self.submission_id or header_of(path)[0]
        ids = read_columns(path, {name: "submission_id"}, problems)[name].to_list()
        images = find_images(ids, self._search(root, split), problems)
        cells = self.beside.of_test(root, self.id_column, ids, problems)
        rows = zip(ids, images, cells, strict=True)
        return problems.check([Sample(id=i, image=p, features=row) for i, p, row in rows])

    def _train(self, root: Path) -> Sequence[Sample]:
        path, problems = root / self.labels, TableProblems()
        frame = read_columns(path, self._needed | self.beside.arguments, problems)
        labelled = self._labelled_samples(path, frame, problems)
        ids = [values["id"] for values in labelled]
        images = find_images(ids, self._search(root, "train"), problems)
        rows = zip(images, labelled, self.beside.of_train(frame), strict=True)
        return problems.check([Sample(image=p, features=row, **values) for p, values, row in rows])

    def _labelled_samples(
        self, path: Path, frame: pl.DataFrame, problems: TableProblems
    ) -> list[dict[str, Any]]:
        """Id, target, group, weight and time of each row of the training table."""
        ids = frame[self.id_column].to_list()
        cells = frame[self.group_column] if self.group_column else [None] * len(ids)
        groups = [group_of_cell(cell) for cell in cells]
        rows = frame.select(self.cells.columns).rows()
        known = {row: self.cells.target(row) for row in set(rows)}
        targets = [known[row] for row in rows]
        mixed = self.cells.mixed(rows)
        if mixed:
            named, numbered = mixed
            problems.messages.append(
                f"{path}: '{ids[named]}' has the label '{rows[named][0]}', and '{ids[numbered]}' "
                f"has '{rows[numbered][0]}': write names or numbers of classes, not both"
            )
        invalid = [i for i, target in enumerate(targets) if target is None]
        if invalid:
            advice = "classes" if self.cells.form == "class" else "plugin"
            problems.messages.append(
                f"{path}: '{ids[invalid[0]]}' has {self.cells.problem(rows[invalid[0]])}"
                f"{and_more(len(invalid))}: correct the file or the {advice}"
            )
        more = self.more.fields(path, ids, frame.to_dict(as_series=False))
        return [
            {"id": i, "group": group, **self._labelled(target, row), **fields}
            for i, target, row, group, fields in zip(ids, targets, rows, groups, more, strict=True)
        ]

    @property
    def _needed(self) -> dict[str, str]:
        """Column of `labels` -> the argument of the plugin that names it; the first are the ids."""
        cells = "label_columns" if len(self.cells.columns) > 1 else "label_column"
        groups = {self.group_column: "group_column"} if self.group_column else {}
        labels = dict.fromkeys(self.cells.columns, cells)
        return {self.id_column: "id_column"} | labels | groups | self.more.arguments

    def _search(self, root: Path, split: Split) -> ImageSearch:
        """Where the images of a split are."""
        if split == "train":
            return ImageSearch(root, folders_of(root, self.images, "images"), root / self.labels)
        folders = folders_of(root, self.test_images, "test_images")
        table = root / str(self.sample_submission)
        return ImageSearch(root, folders, table, "test_images", "submission_id")

    def _labelled(self, target: Any, row: Sequence[str | None]) -> dict[str, Any]:
        """Target and stratum of a sample. Cells that are not valid stay text, which an audit
        shows."""
        if target is None:
            return {"target": self.cells.text(row)}
        if self.cells.form == "class":
            return {"target": target, "stratum": self.task.labels[int(target)]}
        return {"target": target}

    def rows(
        self, sample: Sample, prediction: np.ndarray, decision: np.ndarray
    ) -> Mapping[str, Any]:
        """One row per sample: its id, then the values that `submit` names.

        The prediction is (K,); the decision is (1,), the index of the class or grade, or has one
        value for each label; it is the prediction itself if the task makes none.
        """
        cells = self.row_form.cells(prediction, decision)
        return {self._id_header(sample): [sample.id]} | {n: [cells[n]] for n in self.columns}

    @cached_property
    def row_form(self) -> RowForm:
        """The cells of a row after its id."""
        labels, ordered = self.task.labels, [self.task.labels, self.cells.columns]
        names = next((n for n in ordered if set(n) == set(self.columns)), self.columns)
        return RowForm(
            submit=self.submit,
            columns=self.columns,
            labels=labels,
            names=tuple(names),
            grades=grade_numbers(labels) if self.cells.form == "class" else None,
            separator=self.separator,
            top=self.top,
            decided=self.decided,
            exact=self.exact,
        )

    def _id_header(self, sample: Sample) -> str:
        """The name of the id column of the submission."""
        if self.submission_id or self.sample_submission is None:
            return self.submission_id or self.id_column
        folders = names_of(self.test_images)
        found = first_column(sample.image_file.parent, folders, self.sample_submission)
        return found or self.id_column

    def draw(self, root: Path, rng: np.random.Generator) -> None:
        """Draw a small data set in this layout: stripes, whose colour and width follow from the
        target."""
        from comp.data.synthetic_images import draw_stripes

        kinds = self._drawn_cells()
        count = len(kinds)
        folders = drawn_folders(root, self.images)
        train = draw_stripes(folders, rng, "train", max(60, 6 * count), count)
        header = [self.id_column, *self.cells.columns]
        header += [self.group_column] if self.group_column else []
        lines = [
            [
                *[name, *kinds[kind], f"group{i // 3}"][: len(header)],
                *self.more.drawn(i).values(),
                *self.beside.drawn(kind, rng),
            ]
            for i, (name, kind) in enumerate(train)
        ]
        header += [*self.more.drawn(0), *self.beside.names]
        write_table(root / self.labels, header, lines)
        test = draw_stripes(drawn_folders(root, self.test_images), rng, "test", 20, count)
        self.beside.write_test(root, self.id_column, test, rng)
        if self.sample_submission:
            header = [self.submission_id or self.id_column, *self.columns]
            blank = self._blank_cell()
            lines = [[name, *[blank] * len(self.columns)] for name, _ in test]
            write_table(root / self.sample_submission, header, lines)

    def _drawn_cells(self) -> list[list[str]]:
        """The label cells of each kind of stripes."""
        names, columns = self.task.labels, self.cells.columns
        if self.cells.form == "numbers":
            return [[str(1 + kind * (column + 1)) for column in range(len(columns))]
                    for kind in range(6)]  # fmt: skip
        chosen = [{k} for k in range(len(names))]
        if self.cells.form == "labels":
            chosen.append({0, len(names) - 1})
        elif len(columns) == 1:
            return [[name] for name in names]
        if self.cells.separator:
            return [[self.cells.separator.join(names[k] for k in sorted(kind))] for kind in chosen]
        return [[str(int(k in kind)) for k in range(len(names))] for kind in chosen]

    def _blank_cell(self) -> str:
        """A cell of the drawn sample submission."""
        names = self.task.labels
        if self.submit in ("labels", "top"):
            return self.separator.join(names[: self.top if self.submit == "top" else 2])
        return names[0] if self.submit == "label" else "0"
