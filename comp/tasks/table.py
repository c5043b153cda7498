"""Image classification data: a CSV of labels, folders of images, and a sample submission."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from comp.contract.competition import Sample, Split
from comp.data.audit.findings import Finding, findings_of
from comp.data.audit.sample_checks import UnfitSamplesError
from comp.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

Submit = Literal["probability", "probabilities", "label", "index"]
"""What a row of a submission contains after the id."""


@dataclass
class _TableProblems:
    """Problems of a table. A run shows the first of `messages`; an audit shows all problems: those
    that the samples do not show are in `findings`."""

    messages: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def check(self, samples: Sequence[Sample]) -> Sequence[Sample]:
        """Return the samples if there are no problems.

        Raises:
            UnfitSamplesError: there are problems.
        """
        if not self.messages:
            return samples
        more = len(self.messages) - 1
        suffix = f" ({more} more kind{'s' * (more > 1)} of problem: 'comp check' shows all)"
        raise UnfitSamplesError(self.messages[0] + suffix * (more > 0), samples, self.findings)


@dataclass(frozen=True, kw_only=True)
class Table:
    """The files and columns of a competition's data, and the content of its submission."""

    classes: tuple[str, ...]
    """Class names, by their index."""
    labels: str
    """CSV file of the training images: id, label (name or index of a class), and the group."""
    id_column: str
    """Column of the ids, in `labels` and in the sample submission."""
    label_column: str
    group_column: str | None
    """Column of the groups: all images of a group are in the same fold."""
    images: str
    """Folder of the training images, which are named `<id>` or `<id>.<suffix>`."""
    test_images: str
    """Folder of the test images. Their order is that of the sample submission, or of their names if
    `sample_submission` is None."""
    sample_submission: str | None
    submit: Submit
    """What a row of the submission contains after the id: the "probability" of the second class
    (only for two classes), the "probabilities" of all classes, the "label", or its "index". The
    default is "probability" for two classes, and "label" for more."""
    columns: tuple[str, ...]
    """Column names of the submission after the id. The default is the class names for
    "probabilities", else the label column."""

    def samples(self, root: Path, split: Split) -> Sequence[Sample]:
        """The samples of a split; the target is the index of the class, the stratum its name.

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
        problems = _TableProblems()
        ids = _read_columns(path, [self.id_column], problems)[self.id_column].to_list()
        images = _find_images(ids, folder, path, problems)
        return problems.check([Sample(id=i, image=p) for i, p in zip(ids, images, strict=True)])

    def _train(self, root: Path) -> Sequence[Sample]:
        path, problems = root / self.labels, _TableProblems()
        columns = [self.id_column, self.label_column]
        columns += [self.group_column] if self.group_column else []
        frame = _read_columns(path, columns, problems)
        ids, labels = frame[self.id_column].to_list(), frame[self.label_column].to_list()
        groups = frame[self.group_column].to_list() if self.group_column else [None] * len(ids)
        indices = {str(i): i for i in range(len(self.classes))}
        indices |= {name: i for i, name in enumerate(self.classes)}
        unknown = [(i, label) for i, label in zip(ids, labels, strict=True) if label not in indices]
        if unknown:
            (first, label), some = unknown[0], ", ".join(self.classes[:5])
            problems.messages.append(
                f"{path}: '{first}' has the {self.label_column} '{label or ''}', which is not one "
                f"of the {len(self.classes)} classes ({some}{', ...' * (len(self.classes) > 5)})"
                f"{_and_more(len(unknown))}: correct the file or the classes"
            )
        images = _find_images(ids, root / self.images, path, problems)
        return problems.check(
            [
                Sample(id=i, image=p, group=g, **self._target(label, indices.get(label)))
                for i, p, label, g in zip(ids, images, labels, groups, strict=True)
            ]
        )

    def _target(self, label: str | None, index: int | None) -> dict[str, Any]:
        """Target and stratum of a sample. An unknown label stays text, which an audit shows."""
        if index is None:
            return {"target": label or None}
        return {"target": float(index), "stratum": self.classes[index]}

    def rows(self, sample: Sample, prediction: np.ndarray, threshold: float) -> Mapping[str, Any]:
        """One row per sample: its id, then the values that `submit` names.

        The prediction is (1,) or (K,); `threshold` decides between two classes.
        """
        values = prediction.astype("float64")
        index = int(values[0] >= threshold) if len(values) == 1 else int(values.argmax())
        cells: list[Any]
        if self.submit == "probabilities":
            cells = [1 - values[0], values[0]] if len(values) == 1 else values.tolist()
        else:
            choices = {"probability": values[0], "label": self.classes[index], "index": index}
            cells = [choices[self.submit]]
        pairs = zip(self.columns, cells, strict=True)
        return {self.id_column: [sample.id]} | {name: [value] for name, value in pairs}

    def draw(self, root: Path, rng: np.random.Generator) -> None:
        """Draw a small data set in this layout: stripes, with a colour and a width for each
        class."""
        from comp.data.synthetic_images import draw_stripes

        count = len(self.classes)
        train = draw_stripes(root / self.images, rng, "train", max(60, 6 * count), count)
        header = [self.id_column, self.label_column]
        header += [self.group_column] if self.group_column else []
        lines = [
            [name, self.classes[label], f"group{i // 3}"][: len(header)]
            for i, (name, label) in enumerate(train)
        ]
        _write(root / self.labels, header, lines)
        test = draw_stripes(root / self.test_images, rng, "test", 20, count)
        if self.sample_submission:
            blank = self.classes[0] if self.submit == "label" else "0"
            header = [self.id_column, *self.columns]
            lines = [[name, *[blank] * len(self.columns)] for name, _ in test]
            _write(root / self.sample_submission, header, lines)


def _read_columns(path: Path, names: Sequence[str], problems: _TableProblems) -> pl.DataFrame:
    """Columns of a CSV as text, the first of them ids; rows without an id are left out."""
    import polars as pl

    try:
        frame = pl.read_csv(path, infer_schema=False, glob=False)
    except FileNotFoundError:
        raise DataError(f"no {path.name} in {path.parent}: fetch the data again") from None
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"cannot read {path}: {str(error).splitlines()[0]}") from None
    for name in names:
        if name not in frame.columns:
            raise DataError(
                f"{path} has no column '{name}', only {', '.join(frame.columns)}: fetch the data "
                "again, or correct the column names in the plugin"
            )
    name, ids = names[0], frame[names[0]]
    if ids.null_count() == frame.height:
        raise DataError(f"{path}: has no {name}: fetch the data again")
    if ids.null_count():
        rows = [f"row {row + 1}" for row in ids.is_null().arg_true()]
        problems.messages.append(
            f"{path}: {rows[0]} has no {name}{_and_more(len(rows))}: fetch the data again"
        )
        problems.findings += findings_of(
            "no-id",
            "error",
            rows,
            f"rows of {path.name} without {name}",
            "add the id, or remove the row",
        )
    repeated = ids.filter(ids.is_duplicated() & ids.is_not_null())
    if len(repeated):
        more = _and_more(repeated.n_unique())
        problems.messages.append(
            f"{path}: the {name} '{repeated[0]}' occurs more than once{more}: remove the extra row"
        )
    return frame.filter(ids.is_not_null()).select(names)


def _find_images(
    ids: Sequence[str], folder: Path, table: Path, problems: _TableProblems
) -> list[Path]:
    """The image of each id: `<id>`, or `<id>.<suffix>` of a supported format. If no image exists,
    the path is `folder / id`, which an audit reports as missing."""
    from comp.data.listing import image_files

    images: dict[str, list[Path]] = {}
    for path in image_files(folder):
        relative = path.relative_to(folder)
        for name in {relative.as_posix(), relative.with_suffix("").as_posix()}:
            images.setdefault(name, []).append(path)
    missing = [name for name in ids if name not in images]
    if missing:
        problems.messages.append(
            f"{folder} has no image for '{missing[0]}' of {table.name} "
            f"({len(missing)} of {len(ids)} are missing): fetch the data again"
        )
        # The file exists, so the audit would not report it. `Path.is_file` raises for long names.
        unread = [name for name in missing if os.path.isfile(folder / name)]  # noqa: PTH113
        problems.findings += findings_of(
            "no-image",
            "error",
            unread,
            f"ids of {table.name} whose file has a format that is not supported",
            "convert them to PNG or JPEG",
        )
    several = {name: images[name] for name in ids if len(images.get(name, [])) > 1}
    if several:
        name, paths = next(iter(several.items()))
        problems.messages.append(
            f"{folder} has {len(paths)} images for '{name}', "
            f"{' and '.join(path.name for path in paths[:2])}{_and_more(len(several))}: remove one"
        )
        problems.findings += findings_of(
            "several-images",
            "error",
            [f"{i}: {' and '.join(p.name for p in paths)}" for i, paths in several.items()],
            f"ids of {table.name} with several images",
            "keep one image for each id",
        )
    return [images[name][0] if name in images else folder / name for name in ids]


def _and_more(count: int) -> str:
    return f", and {count - 1:,} more like it" * (count > 1)


def _write(path: Path, header: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, lineterminator="\n").writerows([header, *lines])
