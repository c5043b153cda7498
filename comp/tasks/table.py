"""Image data with numbers as targets: a CSV of labels, folders of images, a sample submission."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from comp.contract.sample import Sample, Split
from comp.contract.task import Task
from comp.errors import DataError
from comp.tasks.label_cells import LabelCells, grade_numbers
from comp.tasks.sample_columns import NO_COLUMNS, SampleColumns
from comp.tasks.table_files import (
    TableProblems,
    and_more,
    find_images,
    header_of,
    read_columns,
    write_table,
)

if TYPE_CHECKING:
    import numpy as np

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
    images: str
    """Folder of the training images, which are named `<id>` or `<id>.<suffix>`."""
    test_images: str
    """Folder of the test images. Their order is that of the sample submission, or of their names if
    `sample_submission` is None."""
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
        folder = root / self.test_images
        if self.sample_submission is None:
            from comp.data.listing import image_files

            images = image_files(folder)
            if not images:
                raise DataError(f"no images in {folder}: fetch the data again")
            return [Sample(id=p.relative_to(folder).as_posix(), image=p) for p in images]
        path = root / self.sample_submission
        problems = TableProblems()
        name = self.submission_id or header_of(path)[0]
        ids = read_columns(path, [name], problems)[name].to_list()
        images = find_images(ids, folder, path, problems)
        return problems.check([Sample(id=i, image=p) for i, p in zip(ids, images, strict=True)])

    def _train(self, root: Path) -> Sequence[Sample]:
        path, problems = root / self.labels, TableProblems()
        columns = [self.id_column, *self.cells.columns]
        columns += [self.group_column] if self.group_column else []
        frame = read_columns(path, list(dict.fromkeys([*columns, *self.more.names])), problems)
        ids = frame[self.id_column].to_list()
        cells = frame[self.group_column] if self.group_column else [None] * len(ids)
        groups = [cell if (cell or "").strip() else None for cell in cells]
        rows = frame.select(self.cells.columns).rows()
        targets = [self.cells.target(row) for row in rows]
        invalid = [i for i, target in enumerate(targets) if target is None]
        if invalid:
            advice = "classes" if self.cells.form == "class" else "plugin"
            problems.messages.append(
                f"{path}: '{ids[invalid[0]]}' has {self.cells.problem(rows[invalid[0]])}"
                f"{and_more(len(invalid))}: correct the file or the {advice}"
            )
        images = find_images(ids, root / self.images, path, problems)
        more = self.more.fields(path, ids, frame.to_dict(as_series=False))
        return problems.check(
            [
                Sample(id=i, image=p, group=g, **self._labelled(target, row), **m)
                for i, p, target, row, g, m in zip(
                    ids, images, targets, rows, groups, more, strict=True
                )
            ]
        )

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
        cells = dict(zip(self._names, self._cells(prediction, decision), strict=True))
        return {self._id_header(sample): [sample.id]} | {n: [cells[n]] for n in self.columns}

    @cached_property
    def _names(self) -> tuple[str, ...]:
        """The columns in the order of the predictions."""
        for names in (self.task.labels, self.cells.columns):
            if set(names) == set(self.columns):
                return tuple(names)
        return tuple(self.columns)

    def _cells(self, prediction: np.ndarray, decision: np.ndarray) -> list[Any]:
        values, names = prediction.astype("float64"), self.task.labels
        if self.submit == "probability":
            return [values[0]]
        if self.submit == "numbers":
            return self._numbers(prediction, decision)
        if self.submit == "labels":
            chosen = [name for name, value in zip(names, decision, strict=True) if value]
            return [self.separator.join(chosen)]
        if self.submit in ("probabilities", "top"):
            shares = [1 - values[0], values[0]] if len(values) < len(names) else values.tolist()
            if self.submit == "probabilities":
                return shares
            best = sorted(range(len(names)), key=lambda index: -shares[index])  # stable, as MAP@k
            return [self.separator.join(names[index] for index in best[: self.top])]
        index = int(decision[0])
        return [names[index] if self.submit == "label" else index]

    def _numbers(self, prediction: np.ndarray, decision: np.ndarray) -> list[Any]:
        if self.cells.form != "class":
            if self.decided:
                return [int(value) for value in decision]
            return _texts(prediction) if self.exact else prediction.astype("float64").tolist()
        numbers = grade_numbers(self.task.labels)
        if self.decided:
            number = numbers[int(decision[0])]
            return [int(number) if number.is_integer() else number]
        # An expected grade is within 0..K-1, but for a blank prediction at the limits of the file.
        return [numbers[0] + min(max(float(prediction[0]), 0.0), len(numbers) - 1.0)]

    def _id_header(self, sample: Sample) -> str:
        """The name of the id column of the submission."""
        if self.submission_id or self.sample_submission is None:
            return self.submission_id or self.id_column
        found = _first_column(sample.image.parent, self.test_images, self.sample_submission)
        return found or self.id_column

    def draw(self, root: Path, rng: np.random.Generator) -> None:
        """Draw a small data set in this layout: stripes, whose colour and width follow from the
        target."""
        from comp.data.synthetic_images import draw_stripes

        kinds = self._drawn_cells()
        count = len(kinds)
        train = draw_stripes(root / self.images, rng, "train", max(60, 6 * count), count)
        header = [self.id_column, *self.cells.columns]
        header += [self.group_column] if self.group_column else []
        lines = [
            [*[name, *kinds[kind], f"group{i // 3}"][: len(header)], *self.more.drawn(i).values()]
            for i, (name, kind) in enumerate(train)
        ]
        header += self.more.drawn(0)
        write_table(root / self.labels, header, lines)
        test = draw_stripes(root / self.test_images, rng, "test", 20, count)
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


def _texts(values: np.ndarray) -> list[str]:
    """The shortest decimal numbers that are these float32 numbers."""
    import numpy as np

    numbers = values.astype(np.float32)
    return [np.format_float_positional(number, unique=True, trim="-") for number in numbers]


@lru_cache(maxsize=256)
def _first_column(folder: Path, test_images: str, sample_submission: str) -> str:
    """The first column of the sample submission of a data folder that contains `folder` in
    `test_images`; "" if there is no such file."""
    for root in folder.parents if test_images not in ("", ".") else (folder, *folder.parents):
        path = root / sample_submission
        if folder.is_relative_to(root / test_images) and path.is_file():
            return header_of(path)[0]
    return ""
