"""The usual form of an image classification: a CSV of labels, folders of images, a submission."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from comp.contract.competition import Sample, Split
from comp.data.audit.findings import Finding, found
from comp.data.audit.sample_checks import UnfitSamplesError
from comp.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

Submit = Literal["probability", "probabilities", "label", "index"]
"""What a row of a submission holds beside the id."""


@dataclass
class _TableProblems:
    """What is wrong with a table, in words for a run, which shows the first; and `findings` of what
    does not show in its samples, for an audit, which shows all."""

    words: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def none_in(self, samples: Sequence[Sample]) -> Sequence[Sample]:
        """The samples, where nothing is wrong.

        Raises:
            UnfitSamplesError: else.
        """
        if not self.words:
            return samples
        more = len(self.words) - 1
        others = f" ({more} more kind{'s' * (more > 1)} of fault: 'comp check' shows all)"
        raise UnfitSamplesError(self.words[0] + others * (more > 0), samples, self.findings)


@dataclass(frozen=True, kw_only=True)
class Table:
    """Where the usual form keeps ids, labels and images, and what its submission holds.

    The fields are the arguments of `comp.tasks.classification.image_classification`.
    """

    classes: tuple[str, ...]
    labels: str
    id_column: str
    label_column: str
    group_column: str | None
    images: str
    test_images: str
    sample_submission: str | None
    submit: Submit
    columns: tuple[str, ...]

    def samples(self, root: Path, split: Split) -> Sequence[Sample]:
        """The samples of a split; the target is the index of the class, the stratum its name.

        Raises:
            DataError: naming the file and the value that is missing, doubled or unknown; with the
                samples as they are listed, where a table of them could be read.
        """
        if split == "train":
            return self._train(root)
        folder = root / self.test_images
        if self.sample_submission is None:
            from comp.data.listing import image_files

            found = image_files(folder)
            if not found:
                raise DataError(f"no images in {folder}: fetch the data again")
            return [Sample(id=p.relative_to(folder).as_posix(), image=p) for p in found]
        path = root / self.sample_submission
        faults = _TableProblems()
        ids = _read(path, [self.id_column], faults)[self.id_column].to_list()
        images = _find(ids, folder, path, faults)
        return faults.none_in([Sample(id=i, image=p) for i, p in zip(ids, images, strict=True)])

    def _train(self, root: Path) -> Sequence[Sample]:
        path, faults = root / self.labels, _TableProblems()
        wanted = [self.id_column, self.label_column]
        wanted += [self.group_column] if self.group_column else []
        frame = _read(path, wanted, faults)
        ids, labels = frame[self.id_column].to_list(), frame[self.label_column].to_list()
        groups = frame[self.group_column].to_list() if self.group_column else [None] * len(ids)
        known = {str(i): i for i in range(len(self.classes))}
        known |= {name: i for i, name in enumerate(self.classes)}
        odd = [(i, label) for i, label in zip(ids, labels, strict=True) if label not in known]
        if odd:
            (one, label), some = odd[0], ", ".join(self.classes[:5])
            faults.words.append(
                f"{path}: '{one}' has the {self.label_column} '{label or ''}', which is none of "
                f"the {len(self.classes)} classes ({some}{', ...' * (len(self.classes) > 5)})"
                f"{_others(len(odd))}: mend the file or the classes"
            )
        found = _find(ids, root / self.images, path, faults)
        return faults.none_in(
            [
                Sample(id=i, image=p, group=g, **self._label(label, known.get(label)))
                for i, p, label, g in zip(ids, found, labels, groups, strict=True)
            ]
        )

    def _label(self, label: str | None, place: int | None) -> dict[str, Any]:
        """Target and class of a sample; a label of no class stays as it is, for an audit."""
        if place is None:
            return {"target": label or None}
        return {"target": float(place), "stratum": self.classes[place]}

    def rows(self, sample: Sample, prediction: np.ndarray, threshold: float) -> Mapping[str, Any]:
        """One row a sample: its id, and what `submit` asks for.

        The prediction is (1,) or (K,); `threshold` decides between two classes.
        """
        values = prediction.astype("float64")
        index = int(values[0] >= threshold) if len(values) == 1 else int(values.argmax())
        if self.submit == "probabilities":
            filled = [1 - values[0], values[0]] if len(values) == 1 else values.tolist()
        else:
            filled = [
                {"probability": values[0], "label": self.classes[index], "index": index}[
                    self.submit
                ]
            ]
        pairs = zip(self.columns, filled, strict=True)
        return {self.id_column: [sample.id]} | {name: [value] for name, value in pairs}

    def draw(self, root: Path, rng: np.random.Generator) -> None:
        """Draw a small data set of this form: gratings, of a colour and a width a class."""
        from comp.data.synthetic_images import draw_stripes

        count = len(self.classes)
        drawn = draw_stripes(root / self.images, rng, "train", max(60, 6 * count), count)
        header = [self.id_column, self.label_column]
        header += [self.group_column] if self.group_column else []
        lines = [
            [name, self.classes[label], f"group{i // 3}"][: len(header)]
            for i, (name, label) in enumerate(drawn)
        ]
        _write(root / self.labels, header, lines)
        unseen = draw_stripes(root / self.test_images, rng, "test", 20, count)
        if self.sample_submission:
            blank = self.classes[0] if self.submit == "label" else "0"
            header = [self.id_column, *self.columns]
            lines = [[name, *[blank] * len(self.columns)] for name, _ in unseen]
            _write(root / self.sample_submission, header, lines)


def _read(path: Path, wanted: Sequence[str], faults: _TableProblems) -> pl.DataFrame:
    """These columns of a CSV as text, the first of them ids: the rows that have one."""
    import polars as pl

    try:
        frame = pl.read_csv(path, infer_schema=False, glob=False)
    except FileNotFoundError:
        raise DataError(f"no {path.name} in {path.parent}: fetch the data again") from None
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"cannot read {path}: {str(error).splitlines()[0]}") from None
    for name in wanted:
        if name not in frame.columns:
            raise DataError(
                f"{path} has no column '{name}', only {', '.join(frame.columns)}: fetch the data "
                "again, or name its columns in the plugin"
            )
    name, ids = wanted[0], frame[wanted[0]]
    if ids.null_count() == frame.height:
        raise DataError(f"{path}: has no {name}: fetch the data again")
    if ids.null_count():
        rows = [f"row {row + 1}" for row in ids.is_null().arg_true()]
        faults.words.append(
            f"{path}: {rows[0]} has no {name}{_others(len(rows))}: fetch the data again"
        )
        words = f"rows of {path.name} without {name}"
        faults.findings += found("no-id", "error", rows, words, "fill it in, or remove the row")
    twice = ids.filter(ids.is_duplicated() & ids.is_not_null())
    if len(twice):
        others = _others(twice.n_unique())
        faults.words.append(
            f"{path}: the {name} '{twice[0]}' stands there twice{others}: remove one row"
        )
    return frame.filter(ids.is_not_null()).select(wanted)


def _find(ids: Sequence[str], folder: Path, table: Path, faults: _TableProblems) -> list[Path]:
    """The image of each id in `folder`: `<id>`, or `<id>.<suffix>` of one of the usual formats; one
    that is not there where there is none."""
    from comp.data.listing import image_files

    there: dict[str, list[Path]] = {}
    for path in image_files(folder):
        place = path.relative_to(folder)
        for name in {place.as_posix(), place.with_suffix("").as_posix()}:
            there.setdefault(name, []).append(path)
    lost = [name for name in ids if name not in there]
    if lost:
        faults.words.append(
            f"{folder} has no image of '{lost[0]}', which {table.name} names "
            f"({len(lost)} of {len(ids)} are missing): fetch the data again"
        )
        # else an audit misses the file; `Path.is_file` raises where a name is too long
        other = [name for name in lost if os.path.isfile(folder / name)]  # noqa: PTH113
        words = f"ids of {table.name} whose file is of no format that is read"
        faults.findings += found("no-image", "error", other, words, "convert them to PNG or JPEG")
    several = {name: there[name] for name in ids if len(there.get(name, [])) > 1}
    if several:
        sets = [f"{i}: {' and '.join(p.name for p in paths)}" for i, paths in several.items()]
        name, paths = next(iter(several.items()))
        faults.words.append(
            f"{folder} has {len(paths)} images of '{name}', "
            f"{' and '.join(path.name for path in paths[:2])}{_others(len(several))}: remove one"
        )
        words = f"ids of {table.name} with several images"
        faults.findings += found("several-images", "error", sets, words, "remove all but one")
    return [there[name][0] if name in there else folder / name for name in ids]


def _others(count: int) -> str:
    """How many things are like the one that was named."""
    return f", and {count - 1:,} more like it" * (count > 1)


def _write(path: Path, header: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, lineterminator="\n").writerows([header, *lines])
