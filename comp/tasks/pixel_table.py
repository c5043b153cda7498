"""Image classification whose images are rows of a CSV: one column per pixel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comp.config.image_size import ImageSize, height_and_width, parse_image_size
from comp.contract.competition import Competition
from comp.contract.metrics import ACCURACY
from comp.contract.sample import Item, Reader, Sample, Split
from comp.data.text_table import list_of
from comp.errors import DataError
from comp.tasks.cell_values import index_of_name
from comp.tasks.classification import classifier, image_spec_of
from comp.tasks.sample_columns import NO_COLUMNS, SampleColumns
from comp.tasks.table_files import check_columns_exist

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from comp.config.schema import RunConfig


@dataclass(frozen=True)
class _ByRow:
    """Reads a sample by the number of its row: the id of a sample of an external data set is
    "external-1/7" for row 7."""

    reader: Reader

    def __call__(self, sample: Sample) -> Item:
        return self.reader(replace(sample, id=sample.id.rpartition("/")[2]))


@dataclass(frozen=True, kw_only=True)
class PixelTable:
    """The files and columns of a competition whose images are rows of a CSV."""

    classes: tuple[str, ...]
    train: str
    test: str
    label_column: str
    size: tuple[int, int]
    """Height and width; a row has the pixels line by line."""
    id_column: str
    """Column of the sample submission: the number of the row of `test`, counted from `first_id`."""
    sample_submission: str
    more: SampleColumns = NO_COLUMNS
    """Columns of `train` with the weight and the time of each image."""
    submission_label: str
    """Column of the class in the submission."""
    first_id: int = 1
    """Id of the first row of `test` in the submission; the others follow."""

    def samples(self, root: Path, split: Split) -> Sequence[Sample]:
        """One sample per row; its id is the number of the row, counted from 1.

        Raises:
            DataError: a file is missing, or a label is not one of the classes.
        """
        import polars as pl

        path = root / (self.train if split == "train" else self.test)
        try:
            frame = pl.scan_csv(path, infer_schema=False)
            if split == "test":
                count = int(frame.select(pl.len()).collect().item())
                self._check_order(path, frame)
                return [Sample(id=str(row + 1), image=path) for row in range(count)]
            names = {self.label_column: "label_column"} | self.more.arguments
            check_columns_exist(path, names)
            columns = frame.select(*names).collect().to_dict(as_series=False)
        except FileNotFoundError:
            raise DataError(f"no {path.name} in {root}: fetch the data again") from None
        except (OSError, pl.exceptions.PolarsError) as error:
            raise DataError(f"cannot read {path}: {str(error).splitlines()[0]}") from None
        labels = columns[self.label_column]
        index = {label: index_of_name(label, self.classes) for label in set(labels)}
        unknown = [(row, label) for row, label in enumerate(labels, 1) if index[label] is None]
        if unknown:
            row, label = unknown[0]
            raise DataError(
                f"{path}: row {row} has the {self.label_column} '{label or ''}', which is not one "
                f"of the classes {list_of(self.classes)} ({len(unknown)} such rows): "
                "correct the file or the classes"
            )
        ids = [str(row) for row in range(1, len(labels) + 1)]
        more = self.more.fields(path, ids, columns)
        targets = [index[label] or 0 for label in labels]
        return [
            Sample(id=i, image=path, target=float(t), stratum=self.classes[t], **fields)
            for i, t, fields in zip(ids, targets, more, strict=True)
        ]

    def _check_order(self, path: Path, test: pl.LazyFrame) -> None:
        """Check that ids in the test table, if it has some, number its rows.

        Raises:
            DataError: they do not.
        """
        wanted = self.id_column.casefold()
        names = [n for n in test.collect_schema().names() if n.casefold() == wanted]
        if not names:
            return
        cells = test.select(names[0]).collect()[names[0]].to_list()
        ids = [(cell or "").strip() for cell in cells]
        if not ids or not ids[0].isdecimal():
            return
        for row, found in enumerate(ids, int(ids[0])):
            if not found.isdecimal() or int(found) != row:
                raise DataError(
                    f"{path}: the {names[0]} '{found}' stands where {row} should: the rows are not "
                    "in the order of their ids, which the submission counts; sort the table, and "
                    "remove blank lines"
                )

    def reader(self, samples: Sequence[Sample], config: RunConfig, _folder: Path) -> Reader:
        """A reader of all tables, which resizes to the input of the network."""
        from comp.data.pixel_table import PixelTableReader

        return _ByRow(PixelTableReader.read_all(samples, self.size, image_spec_of(config)))

    def rows(
        self, sample: Sample, _prediction: np.ndarray, decision: np.ndarray
    ) -> Mapping[str, Any]:
        """One row: the number of the image, and the class."""
        number = sample.id if self.first_id == 1 else str(int(sample.id) - 1 + self.first_id)
        return {
            self.id_column: [number],
            self.submission_label: [self.classes[int(decision[0])]],
        }

    def draw(self, root: Path, rng: np.random.Generator) -> None:
        """Draw a small data set in this layout: stripes whose width depends on the class."""
        import cv2
        import numpy as np
        import polars as pl

        from comp.data.synthetic_images import stripes

        height, width = self.size
        names = [f"pixel{i}" for i in range(height * width)]
        count = len(self.classes)
        for file, rows in ((self.train, 24 * count), (self.test, 4 * count)):
            labels = [i % count for i in range(rows)]
            images = [cv2.resize(stripes(rng, i, count), (width, height)) for i in labels]
            pixels = np.stack([image.mean(axis=2).astype(np.uint8).ravel() for image in images])
            frame = pl.DataFrame(pixels, schema=names, orient="row")
            if file == self.train:
                column = pl.Series(self.label_column, [self.classes[i] for i in labels])
                frame = frame.insert_column(0, column)
                drawn = [self.more.drawn(i) for i in range(rows)]
                if self.more.names:
                    frame = frame.hstack(pl.DataFrame(drawn))
            frame.write_csv(root / file)
        blank = {self.id_column: range(self.first_id, 4 * count + self.first_id)}
        label = pl.lit(self.classes[0]).alias(self.submission_label)
        pl.DataFrame(blank).with_columns(label).write_csv(root / self.sample_submission)


def pixel_table(
    *,
    classes: Sequence[str],
    size: ImageSize,
    train: str = "train.csv",
    test: str = "test.csv",
    label_column: str = "label",
    weight_column: str | None = None,
    time_column: str | None = None,
    id_column: str = "ImageId",
    submission_label: str | None = None,
    first_id: int = 1,
    sample_submission: str = "sample_submission.csv",
    **fields: Any,
) -> Competition:
    """A competition of image classification whose images are rows of a CSV, as Kaggle's Digit
    Recognizer: `train` has `label_column` and the columns pixel0, pixel1, ... of grey values 0 to
    255, `test` the same without labels.

    Args:
        size: (height, width) of the images, or the side of square ones.
        weight_column, time_column: columns of `train` with the weight in the loss, and the time.
        id_column, first_id: column of the sample submission with the numbers of the rows of `test`,
            and the number of the first.
        submission_label: column of the class in the submission; the default is `label_column` with
            a capital.
        fields: fields of `Competition`; they override the values that follow from the table. The
            default metric is accuracy.

    Raises:
        ValueError: `size` is not one number or two, or the metric compares probabilities, but the
            submission has classes.
    """
    table = PixelTable(
        classes=tuple(classes),
        train=train,
        test=test,
        label_column=label_column,
        size=height_and_width(parse_image_size(size)),
        id_column=id_column,
        submission_label=submission_label or label_column.capitalize(),
        first_id=first_id,
        sample_submission=sample_submission,
        more=SampleColumns(weight_column, time_column),
    )
    known: dict[str, Any] = {
        "classes": table.classes,
        "metric": ACCURACY,
        "samples": table.samples,
        "reader": table.reader,
        "rows": table.rows,
        "draw_synthetic": table.draw,
        "layout": (train, test),
        "file_arguments": {
            sample_submission: "sample_submission",
            test: "test",
            train: "train",
        },
        "sample_submission": sample_submission,
    }
    competition = classifier(**known | fields)
    if "rows" not in fields and competition.metric.takes != "decisions":
        raise ValueError(
            f"the metric {competition.metric.name} compares probabilities, and pixel_table submits "
            "classes: choose accuracy or another metric of classes, or give rows of your own"
        )
    return competition
