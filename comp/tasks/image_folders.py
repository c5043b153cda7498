"""Images whose class is the name of their folder, or a part of their file name.

`image_folders` fills in the whole contract of a classification: a plugin has about 10 lines.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comp.contract.competition import Competition
from comp.contract.sample import Sample, Split, Target
from comp.contract.task import Task
from comp.errors import CompetitionError, DataError
from comp.tasks.classification import refuse_unknown
from comp.tasks.held_out import with_test_share
from comp.tasks.image_table import image_table
from comp.tasks.name_groups import check_pattern, group_of_file

if TYPE_CHECKING:
    import numpy as np


DRAWN_TEST = 20
"""Synthetic test images."""


@dataclass(frozen=True, kw_only=True)
class ImageFolders:
    """Where the images are, and how their names show class and group."""

    task: Task
    train: tuple[str, ...]
    """Folders that contain a folder for each class; or, with `class_pattern`, the images."""
    test_images: str
    class_pattern: str | None
    """Regular expression for a file name; its group is the class. None: the class is the folder."""
    group_pattern: str | None
    """Regular expression for a file name, or for a path in the data if it has a slash; the first of
    its groups that matches is the group of the image. None, or no match: an image has no group."""
    test: Callable[[Path, Split], Sequence[Sample]]
    """Lists the test samples."""

    def samples(self, root: Path, split: Split) -> Sequence[Sample]:
        """The images of a split. The id of a training image is its path in the data.

        Raises:
            DataError: a class has no images, or an image has no class.
        """
        if split == "test":
            samples = self.test(root, split)
            group_of = partial(group_of_file, self.group_pattern, root=root)
            return [replace(s, group=group_of(s.image_file)) for s in samples]
        listed = [
            Sample(
                id=path.relative_to(root).as_posix(),
                image=path,
                target=float(self.task.labels.index(label)),
                group=group_of_file(self.group_pattern, path, root),
                stratum=label,
            )
            for part in self.train
            for path, label in self._labelled(root / part)
        ]
        self._check_classes(root, {sample.stratum for sample in listed})
        return listed

    def test_labels(self, root: Path) -> Mapping[str, Target]:
        """The classes of test images by id: the first folder in `test_images` that is a class.
        Images in no folder have no class.

        Raises:
            DataError: no folder is a class.
            CompetitionError: some folders are classes, and another is not.
        """
        from comp.tasks.image_ids import folders_of

        labels = self.task.labels
        parts = folders_of(root, self.test_images, "test_images")
        listed = self.test(root, "test")
        folders = {s.id: _class_folder(s.image_file, parts, labels) for s in listed}
        found: dict[str, Target] = {
            i: float(labels.index(n)) for i, n in folders.items() if n in labels
        }
        if not found:
            raise DataError(
                f"{root / self.test_images} has no folders of classes ({', '.join(labels[:5])}): "
                "the labels of the test images are not known"
            )
        others = sorted(set(folders.values()) - {*labels, ""})
        if others:
            raise CompetitionError(
                f"{root / self.test_images} has images in '{others[0]}', which is not one of the "
                f"classes ({', '.join(labels[:5])}): rename the folder, or add it to the classes"
            )
        return found

    def _labelled(self, folder: Path) -> Iterator[tuple[Path, str]]:
        """The images below a folder, each with its class."""
        from comp.data.listing import image_files

        labels = self.task.labels
        if self.class_pattern is None:
            self._check_folders(folder)
            for label in labels:
                yield from ((path, label) for path in image_files(folder / label))
            return
        for path in image_files(folder):
            match = re.search(self.class_pattern, path.name)
            if match is None or match[1] not in labels:
                found = f"the class '{match[1]}'" if match else "no class"
                raise DataError(
                    f"the name of {path} has {found}, but the classes are "
                    f"{', '.join(labels[:5])}: correct the classes or class_pattern"
                )
            yield path, match[1]

    def _check_folders(self, folder: Path) -> None:
        """Refuse a folder of images that is not one of the classes; but the whole data may have
        others."""
        from comp.data.listing import image_files

        if "." in self.train or not folder.is_dir():
            return
        others = [path for path in sorted(folder.iterdir()) if path.name not in self.task.labels]
        for path in others:
            if path.is_dir() and not path.name.startswith((".", "__")) and image_files(path):
                raise DataError(
                    f"{path} has images, but '{path.name}' is not one of the classes "
                    f"({', '.join(self.task.labels[:5])}): add it to the classes"
                )

    def _check_classes(self, root: Path, found: set[str | None]) -> None:
        absent = [label for label in self.task.labels if label not in found]
        if absent:
            where = " and ".join(str(root / part) for part in self.train)
            raise DataError(
                f"{where} {'has' if len(self.train) == 1 else 'have'} no images of the class "
                f"'{absent[0]}': fetch the data again, or correct the classes"
            )

    def draw(self, root: Path, rng: np.random.Generator) -> None:
        """Draw a small data set in this layout: stripes whose width depends on the class."""
        import cv2

        from comp.data.images.decode import write_image
        from comp.data.synthetic_images import stripes

        labels = self.task.labels
        for i in range(max(60, 6 * len(labels))):
            label = labels[i % len(labels)]
            name = f"{label}.{i}.png" if self.class_pattern else f"{label}/{i:04d}.png"
            folder = root / self.train[i // len(labels) % len(self.train)]
            write_image(folder / name, stripes(rng, i % len(labels), len(labels)))
        for i in range(DRAWN_TEST):
            image = cv2.resize(stripes(rng, i % len(labels), len(labels)), (96, 96))
            write_image(root / self.test_images / f"{i + 1}.png", image)


def image_folders(
    *,
    task: Task,
    name: str,
    title: str,
    kaggle: str,
    train: Sequence[str] = ("train",),
    test_images: str = "test",
    class_pattern: str | None = None,
    group_pattern: str | None = None,
    test_share: float = 0.0,
    sample_submission: str | None = None,
    **fields: Any,
) -> Competition:
    """A competition of exclusive classes, which are the names of folders or in those of files.

    Args:
        task: `binary` or `multiclass`; its labels are the names of the folders.
        train: folders that contain a folder for each class: `train/cat/1.jpg`.
        test_images: folder of the images to predict. They may be in folders of classes too, which
            only `comp grade` reads.
        class_pattern: regular expression with one group, the class, for file names such as
            `cat.12.jpg`: r"^(cat|dog)[.]"; there are no folders of classes then.
        group_pattern: regular expression with groups for file names such as `person12_3.jpg`:
            r"^(person[0-9]+)_"; all images of a group are in the same fold. With a slash it is for
            paths in the data, such as r"/(patient[0-9]+)/".
        test_share: for data without a test set: this share of the training images is the test set,
            which `comp grade` scores.
        sample_submission: Kaggle's file, whose ids are the names of the test images; None: all
            images of the folder, by their path in it.
        fields: further arguments of `image_table`, and fields of `Competition`.

    Raises:
        ValueError: the values contradict each other; a TypeError for an unknown argument.
    """
    known = [
        *inspect.signature(image_table).parameters,
        *inspect.signature(image_folders).parameters,
    ]
    refuse_unknown("image_folders", fields, known)
    parts = (train,) if isinstance(train, str) else tuple(train)
    _check(task, parts, class_pattern, group_pattern)
    given: dict[str, Any] = {"task": task, "name": name, "title": title, "kaggle": kaggle}
    layout = _layout(task, parts, test_images, class_pattern)
    arguments = {test_images: "test_images", str(sample_submission): "sample_submission"}
    first: dict[str, Any] = {
        "layout": layout,
        "file_arguments": dict.fromkeys(layout, "train") | arguments,
    }
    more: dict[str, Any] = {"test_images": test_images, "sample_submission": sample_submission}
    competition = image_table(**given, **more, **(first | fields))
    files = ImageFolders(
        task=task,
        train=parts,
        test_images=test_images,
        class_pattern=class_pattern,
        group_pattern=group_pattern,
        test=competition.samples,
    )
    own: dict[str, Any] = {
        "samples": files.samples,
        "draw_synthetic": partial(_draw, files, competition),
    }
    own["test_labels"] = None if sample_submission else files.test_labels
    own["group"] = "group of files" if group_pattern else None
    made = replace(competition, **own | _fields_of_competition(fields))
    return with_test_share(made, test_share)


def _class_folder(path: Path, parts: Sequence[Path], labels: Sequence[str]) -> str:
    """The first folder of an image below one of `parts` that is a class, or else the first; "" if
    it has none."""
    part = next((part for part in parts if path.is_relative_to(part)), path.parent)
    folders = path.relative_to(part).parts[:-1]
    return next((name for name in folders if name in labels), "".join(folders[:1]))


def _fields_of_competition(fields: Mapping[str, Any]) -> dict[str, Any]:
    names = ("samples", "draw_synthetic", "test_labels", "group")
    return {name: fields[name] for name in names if name in fields}


def _check(task: Task, train: tuple[str, ...], classes: str | None, groups: str | None) -> None:
    """Raise ValueError if the values of a plugin contradict each other."""
    if len(task.labels) < 2 or task.output == "image" or task.check(0.0):
        raise ValueError(
            f"folders have classes, but the task predicts {task.kind}: use image_table"
        )
    if not train:
        raise ValueError("train is empty: give the folders of the training images")
    check_pattern("class_pattern", classes, most=1)
    check_pattern("group_pattern", groups)


def _layout(
    task: Task, train: tuple[str, ...], test_images: str, class_pattern: str | None
) -> tuple[str, ...]:
    """Names by which the folder of the data is recognised."""
    folders = [part for part in train if part != "."]
    if not folders and class_pattern is None:
        folders = list(task.labels)
    return tuple(dict.fromkeys([*folders, test_images]))


def _draw(
    files: ImageFolders, competition: Competition, root: Path, rng: np.random.Generator
) -> None:
    """Draw the images, and a sample submission if there is one."""
    import numpy as np

    from comp.tasks.table_files import write_table

    files.draw(root, rng)
    if competition.sample_submission is None:
        return
    blank = np.zeros(files.task.outputs, np.float32)
    rows = []
    for i in range(DRAWN_TEST):
        path = root / files.test_images / f"{i + 1}.png"
        sample = Sample(id=path.stem, image=path)
        rows.append(competition.rows(sample, blank, np.zeros(1, np.float32)))
    lines = [[str(values[0]) for values in row.values()] for row in rows]
    write_table(root / competition.sample_submission, list(rows[0]), lines)
