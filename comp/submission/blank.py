"""A submission of blank predictions, which is checked before the training.

What the plugin's `rows` return must fit the sample submission: header, ids, and kinds of values.
A fault that a blank prediction shows would else appear after the first fold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.errors import CompetitionError, DataError, SubmissionError
from comp.files import write_error
from comp.submission.spec import SubmissionSpec
from comp.submission.template import several_labels, submission_spec, template_of
from comp.submission.validate import (
    Problems,
    find_problems,
    has_same_column,
    template_header,
)
from comp.submission.write import write_like_template

_SIZE = (64, 64)
"""Height and width of a blank image, if no size is known."""

_SHAPES = 8
"""Shapes whose blank arrays are in memory."""

_LABELS = 50
"""Labels whose column is checked."""


def check_rows(competition: Competition, root: Path, test: Sequence[Sample]) -> None:
    """Check the submission that blank predictions of the test samples would give.

    The first prediction has ones in its first channel, and the second in all channels if several
    labels may apply, so that a value, its absence and the separator of labels are written. It takes
    a second or two for millions of rows.

    Args:
        test: one sample for each prediction.

    Raises:
        CompetitionError: what `rows` returns does not fit the sample submission.
        DataError: the test samples are not those of the sample submission.
    """
    template = template_of(competition, root, test)
    name = template.name if isinstance(template, Path) else "the test samples"
    if not test:
        raise DataError(f"the test data and {name} do not match: no test samples; fetch them again")
    _check_columns_of_labels(competition, test[0])
    blanks = _Blanks(competition)
    spec = submission_spec(competition, template, test)
    template_header(template)  # a file that cannot be read is no fault of the plugin
    with TemporaryDirectory(prefix="comp-") as folder:
        path = Path(folder) / "blank.csv"
        try:
            write_like_template(path, blanks.rows(test), spec)
        except SubmissionError as error:
            raise CompetitionError(f"{error}: correct rows in the plugin") from None
        except OSError as error:
            raise write_error(path, error) from error
        problems = find_problems(path, spec, "the rows of the plugin")
        _check_place_of_ids(problems, path, spec, blanks.id_column)
    if problems.header or problems.values:
        words = "; ".join(problems.all)
        raise CompetitionError(
            f"rows of {competition.name} do not fit {name}: {words}; "
            f"{_advice(problems, competition, spec.rle)}"
        )
    if problems.ids:
        advice = "fetch the data again"
        if blanks.sizes_unknown:
            advice = "give the test samples their size in the plugin, or fetch the data again"
        words = "; ".join(problems.ids)
        raise DataError(f"the test data and {name} do not match: {words}; {advice}")


class _Blanks:
    """Makes blank predictions and their rows; arrays of the last sizes are kept."""

    def __init__(self, competition: Competition) -> None:
        self.competition = competition
        self.sizes_unknown = 0
        self.id_column = ""
        """The first column of the rows."""
        self._size = _SIZE
        self._arrays: dict[tuple[int, ...], tuple[np.ndarray, np.ndarray]] = {}

    def rows(self, samples: Sequence[Sample]) -> Iterator[Mapping[str, Any]]:
        """Yield the rows of each sample."""
        for number, sample in enumerate(samples):
            shape = self._shape(sample)
            if number == 0:
                arrays = arrays_of(self.competition, shape, 0)
            elif number == 1 and several_labels(self.competition):
                arrays = arrays_of(self.competition, shape, slice(None))
            else:
                if shape not in self._arrays:
                    if len(self._arrays) == _SHAPES:  # of images of all sizes, few fit into memory
                        self._arrays.clear()
                    self._arrays[shape] = arrays_of(self.competition, shape)
                arrays = self._arrays[shape]
            rows = self.competition.rows(sample, *arrays)
            if number == 0 and isinstance(rows, Mapping):
                self.id_column = next(iter(rows), "")
            yield rows

    def _shape(self, sample: Sample) -> tuple[int, ...]:
        task = self.competition.task
        if task.output == "numbers":
            return (task.outputs,)
        size = sample.size or _size_of(sample.image_file)
        if size is None:
            self.sizes_unknown += 1
        self._size = size or self._size
        return (*self._size, task.outputs)


def arrays_of(
    competition: Competition, shape: tuple[int, ...], channels: int | slice | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """A prediction of zeros, or of ones in some channels, and its decision.

    If the competition has limits, zeros and ones are moved into them.
    """
    low, high = competition.limits or (0.0, 1.0)
    prediction = np.full(shape, np.clip(0, low, high), dtype=np.float32)
    if channels is not None:
        prediction[..., channels] = np.clip(1, low, high)
    decision = competition.task.decision
    return prediction, decision.apply(prediction, decision.default) if decision else prediction


def _size_of(image: Path) -> tuple[int, int] | None:
    """Height and width from the header of an image; None if Pillow cannot read it. Other checks
    report images that are missing or damaged."""
    from PIL import Image

    try:
        with Image.open(image) as opened:
            return opened.height, opened.width
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def _check_place_of_ids(
    problems: Problems, path: Path, spec: SubmissionSpec, id_column: str
) -> None:
    """Check that the ids are in the first column of the sample submission, if the rows have its
    columns and the wrong ids. A column of classes may be before them if run lengths are submitted.

    Raises:
        DataError: they are in another column.
    """
    first = problems.found[:1]
    if not problems.ids or problems.header or first in ((), (id_column,)):
        return
    if has_same_column(path, spec.template, id_column):
        name = spec.template.name if isinstance(spec.template, Path) else "the sample submission"
        raise DataError(
            f"{name} has the ids in the column '{id_column}', and its first column is "
            f"'{first[0]}': move '{id_column}' to the front of the file"
        )


def _check_columns_of_labels(competition: Competition, sample: Sample) -> None:
    """Check that the prediction of a label is in the column with its name, if there is one.

    Raises:
        CompetitionError: it is in the column of another label.
    """
    task = competition.task
    labels = task.labels
    one_of_two = task.outputs == 1 and len(labels) == 2  # the prediction is that of the second
    if task.output == "image" or len(labels) < 2 or not (one_of_two or task.outputs == len(labels)):
        return
    blank = competition.rows(sample, *arrays_of(competition, (task.outputs,)))
    if not isinstance(blank, Mapping) or not set(labels) <= set(blank):
        return
    channels = [(0, labels[1])] if one_of_two else list(enumerate(labels[:_LABELS]))
    for channel, label in channels:
        arrays = arrays_of(competition, (task.outputs,), channel)
        filled = competition.rows(sample, *arrays)
        higher = [name for name in labels if _is_higher(filled[name], blank[name])]
        if len(higher) == 1 and higher[0] != label:
            raise CompetitionError(
                f"rows of {competition.name} write the prediction of {label!r} into the column "
                f"{higher[0]!r}: give columns and the task's labels the same order in the plugin"
            )


def _is_higher(filled: Any, blank: Any) -> bool:
    try:
        return bool(np.all(np.asarray(filled, float) > np.asarray(blank, float)))
    except (TypeError, ValueError):
        return False


def _advice(problems: Problems, competition: Competition, rle: object) -> str:
    """What to do about the header or the values."""
    found, expected = problems.found, problems.expected
    if not problems.header or expected is None:
        where, also = "submit in the functions of comp.tasks", ""
        if competition.task.output == "image":
            also = "" if rle else ", or name the columns of run lengths in rle_columns"
        elif competition.task.decision:
            where += ': "index" for the numbers of classes, "label" for their names'
        return f"correct rows in the plugin ({where}){also}"
    if found[1:] == expected[1:]:
        return (
            f"name the id column {expected[0]!r} instead of {found[0]!r} in rows (id_column in the "
            "functions of comp.tasks)"
        )
    return "return exactly the sample's columns from rows (columns in the functions of comp.tasks)"
