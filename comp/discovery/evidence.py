"""What all forms look at: files, tables and their roles, names of images, and answers of a user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from comp.discovery.conclusion import Conclusion, Finding, Missing
from comp.discovery.image_names import ImageNames
from comp.discovery.inventory import Inventory
from comp.discovery.metric_hint import MetricHint
from comp.discovery.roles import Roles, find_roles, is_named_train
from comp.discovery.sizes import image_facts
from comp.discovery.tables import DataTable, read_table, words_of
from comp.errors import DataError

TEST_WORDS = frozenset({"test", "testing", "testset", "pred", "predict", "evaluation"})
VALIDATION = frozenset({"val", "valid", "validation", "dev"})
SHOWN = 5


@dataclass(frozen=True)
class Evidence:
    """An inventory, and what follows from it at once."""

    inventory: Inventory
    hint: MetricHint = field(default_factory=MetricHint)
    answers: Mapping[str, str] = field(default_factory=dict)
    """What the user says: the keys are those of `Missing.argument`."""

    @property
    def root(self) -> Path:
        """The folder of the data."""
        return self.inventory.root

    @property
    def target(self) -> str | None:
        """The columns that the user wants to predict."""
        return self.answers.get("target")

    @property
    def task(self) -> str | None:
        """What the user says that labels are: classes, grades, labels or numbers."""
        return self.answers.get("task")

    @cached_property
    def _read(self) -> dict[str, DataTable | str]:
        """Path of a table -> the table, or why it cannot be read."""
        found: dict[str, DataTable | str] = {}
        for path in self.inventory.tables:
            try:
                found[path] = read_table(self.root, path)
            except DataError as error:
                found[path] = str(error)
        return found

    @property
    def tables(self) -> tuple[DataTable, ...]:
        """The tables that can be read."""
        return tuple(table for table in self._read.values() if isinstance(table, DataTable))

    @property
    def unreadable(self) -> dict[str, str]:
        """Path of a table that cannot be read -> why."""
        return {path: why for path, why in self._read.items() if isinstance(why, str)}

    @cached_property
    def names(self) -> ImageNames:
        """The images by name."""
        return ImageNames(self.inventory)

    @cached_property
    def roles(self) -> Roles:
        """The sample submission, the table of the test set, and the others."""
        share = self.names.share if self.inventory.images else None
        return find_roles(self.tables, share)

    @staticmethod
    def is_train(table: object) -> bool:
        """Whether the name of a table says that it has the training set."""
        return isinstance(table, DataTable) and is_named_train(table)

    def unknown_target(self, table: DataTable, choices: Sequence[str]) -> Conclusion:
        """What is said if the column to predict cannot be known."""
        where = self.roles.submission
        found = f"{table.path} has the columns {', '.join(table.columns[:SHOWN])}"
        found += ", ..." * (len(table.columns) > SHOWN)
        found += f", and {where.path} has {', '.join(where.columns[:SHOWN])}" if where else ""
        return self.without(
            Missing("Which column is to be predicted?", tuple(choices), found, "", "target")
        )

    def unlike_labels(self, table: DataTable, columns: Sequence[str]) -> Conclusion:
        """What is said if the cells of the target are neither classes nor numbers."""
        blank = [c for c in columns if table.column(c).gaps and table.glance(c).kind != "text"]
        if blank:
            count = sum(table.column(c).gaps for c in blank)
            return self.without(
                Missing(
                    question="What are the blank cells of the columns to predict?",
                    choices=(),
                    found=f"{count:,} blank cells in {', '.join(blank[:SHOWN])} of {table.path}",
                    advice="a run needs all values of a row: fill them in, or remove the rows",
                )
            )
        values = {value for c in columns for value in table.column(c).counts}
        if values == {"-1", "1"}:
            return self.without(
                Missing(
                    question="Which value says that an image has a label?",
                    choices=(),
                    found=f"{_list(columns)} of {table.path} have -1 and 1",
                    advice="comp reads 0 and 1: write 0 for -1",
                )
            )
        cells = [f"{c} has {next(iter(table.glance(c).counts), 'only blank cells')!r:.40}"
                 for c in columns[:2]]  # fmt: skip
        return self.without(
            Missing(
                question=f"What do the values of {', '.join(columns[:SHOWN])} mean?",
                choices=("classes", "grades", "labels", "numbers"),
                found=f"in {table.path} {' and '.join(cells)}",
                argument="task",
            )
        )

    def without(self, *missing: Missing, findings: Sequence[Finding] = ()) -> Conclusion:
        """A conclusion that only says what is missing."""
        return Conclusion(missing=missing, findings=tuple(findings), root=self.root)

    def test_folder(
        self, taken: Sequence[str] = ()
    ) -> tuple[list[Finding], dict[str, Any], list[Missing]]:
        """The folder of the test images if no table names them: findings, arguments of the factory,
        and what is missing.

        Args:
            taken: folders of training images.
        """
        said = self.answers.get("test_images")
        folder = (said if said != "None" else None) or self._named_test(taken)
        arguments: dict[str, Any] = {"test_images": folder or "test", "sample_submission": None}
        if folder and self.inventory.below(folder):
            count = sum(map(len, self.inventory.below(folder).values()))
            why = "you say so" if said else "the name of the folder says so"
            finding = Finding(f"all {count:,} images of {folder}/ are predicted", why, "likely")
            return [finding], arguments, []
        free = self.free_images(taken)
        if said == "None" or (taken and 20 * free < self.inventory.image_count):
            what = "there is no test set: a fifth of the training images becomes one"
            why = "all images have labels; 'comp grade' scores the predictions of this fifth"
            arguments = {"test_share": 0.2, "sample_submission": None}
            return [Finding(what, why, "likely")], arguments, []
        folders = [name for name in self._tops() if name not in taken]
        return [], arguments, [
            Missing(
                question="Which folder has the images to predict?",
                choices=tuple(folders[:SHOWN]),
                found=f"{self.inventory.image_count:,} images in {_list(list(self._tops()))}, and "
                "neither a folder named test nor a sample submission",
                advice="give --answer test_images=FOLDER, or test_images=none to hold out a part "
                "of the training images",
                argument="test_images",
            )
        ]  # fmt: skip

    def free_images(self, taken: Sequence[str]) -> int:
        """How many images are in none of these folders, and are not copies of images there.

        Args:
            taken: folders, whose names may have wildcards.
        """
        images = self.inventory.images
        inside = {f for f in images if self.inventory.is_in(f, taken)}
        known = {PurePosixPath(name).stem for folder in inside for name in images[folder]}
        return sum(
            PurePosixPath(name).stem not in known
            for folder, names in images.items()
            if folder not in inside
            for name in names
        )

    def copies(self, folders: Sequence[str], grouped: bool) -> list[Finding]:
        """What is said about near-copies among the images of a folder.

        Args:
            grouped: whether the images have groups.
        """
        from comp.discovery.copies import near_copies

        if len(folders) > 1 or "*" in folders[0]:
            return []
        folder = folders[0]
        paths = [self.root / folder / name for name in self.inventory.paths(folder)]
        found = near_copies(paths, grouped)
        return [found] if found else []

    def _named_test(self, taken: Sequence[str]) -> str | None:
        """The highest folder of images that is named test and is not of the training set; that of
        the validation set if there is none."""
        folders = sorted(self._all_folders(), key=lambda name: (name.count("/"), name))
        for words in (TEST_WORDS, frozenset({"val", "valid", "validation"})):
            for folder in folders:
                free = not any(folder == t or folder.startswith(f"{t}/") for t in taken)
                if free and words_of(PurePosixPath(folder).name) & words:
                    return self._innermost(folder)
        return None

    def _innermost(self, folder: str) -> str:
        """The folder inside, as long as there is only one with images, of the same name."""
        while True:
            below = self.inventory.below(folder)
            inner = f"{folder}/{PurePosixPath(folder).name}"
            if folder in below or not all(f"{n}/".startswith(f"{inner}/") for n in below):
                return folder
            folder = inner

    def _all_folders(self) -> set[str]:
        found = set(self.inventory.images)
        for name in self.inventory.images:
            found |= {parent.as_posix() for parent in PurePosixPath(name).parents}
        return found - {"."}

    def _tops(self) -> list[str]:
        """The first folders that have images."""
        return list(dict.fromkeys(name.split("/")[0] for name in self.inventory.images))

    def defaults(
        self, folders: Sequence[str], in_time: bool = False, numbers: Sequence[str] = ()
    ) -> dict[str, Any]:
        """The argument `defaults` for the size of the images, for folds in the order of time, and
        for numbers that do not move with the image, such as coordinates; {} if those of comp fit.
        """
        from comp.tasks.place_columns import place_columns

        size = image_facts(self.inventory, folders).small_side
        keys: dict[str, Any] = {"image": {"size": size}} if size else {}
        keys |= {"scheme": "time"} if in_time else {}
        if place_columns(numbers):
            still = {"flip": False, "vertical": False, "rotate": 0.0, "shift": 0.0, "scale": 0.0}
            keys |= {"augment": still, "predict": {"tta": "none"}}
        return {"defaults": keys} if keys else {}


def _list(names: Sequence[str]) -> str:
    return f"{', '.join(names[:SHOWN])}{', ...' * (len(names) > SHOWN)}"
