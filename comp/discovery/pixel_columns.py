"""Images whose pixels are the columns of a table."""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt

from comp.discovery.conclusion import Conclusion, Finding, Missing
from comp.discovery.evidence import Evidence
from comp.discovery.roles import PIXELS, pixel_columns_of
from comp.discovery.tables import DataTable
from comp.discovery.values import Labels, labels_of_column

FACTORY = "comp.tasks.pixel_table.pixel_table"


def pixel_columns(evidence: Evidence) -> Conclusion | None:
    """A table with a label and a column for each pixel; None if there is none."""
    roles = evidence.roles
    if cells := _pixel_cells(roles.candidates):
        return evidence.without(cells)
    tables = [table for table in roles.candidates if pixel_columns_of(table)]
    if not tables:
        return None
    train = tables[0]
    pixels = pixel_columns_of(train)
    left = [name for name in train.columns if name not in pixels]
    side = isqrt(len(pixels))
    found = (
        f"{train.path} has {len(pixels)} columns of pixels, and {', '.join(left[:5]) or 'no other'}"
    )
    if side * side != len(pixels):
        return evidence.without(
            Missing("What are height and width of the images?", (), found,
                    "write a plugin with pixel_table(size=(height, width), ...)")
        )  # fmt: skip
    targets = [name for name in left if roles.test is None or name not in roles.test.columns]
    targets = targets or left
    target = evidence.target or (targets[0] if len(targets) == 1 else None)
    if target is None:
        return evidence.unknown_target(train, targets)
    labels = labels_of_column(train.column(target), None, evidence.hint, evidence.task)
    if labels is None or labels.kind not in ("binary", "multiclass", "ordinal"):
        return evidence.without(
            Missing("What are the classes?", (), f"{found}: the {target}s are no classes",
                    "pixel_table predicts classes: write images and a table of numbers")
        )  # fmt: skip
    return _concluded(evidence, train, target, labels, side)


def _pixel_cells(tables: Sequence[DataTable]) -> Missing | None:
    """What is said of a table whose cells have all pixels of an image; None if there is none."""
    for table in tables:
        for name in table.columns:
            first = next((cell for cell in table.first[name].head(5) if cell), "")
            parts = first.split()
            if len(parts) >= PIXELS and all(part.isdigit() and int(part) < 256 for part in parts):
                return Missing(
                    question="Where are the images?",
                    choices=(),
                    found=f"the cells of {name} in {table.path} have {len(parts)} numbers each, "
                    "which look like pixels",
                    advice="write the cells as images, or as columns pixel0, pixel1, ...",
                )
    return None


def _concluded(
    evidence: Evidence, train: DataTable, target: str, labels: Labels, side: int
) -> Conclusion:
    test, submission = evidence.roles.test, evidence.roles.submission
    if test is None or submission is None or len(pixel_columns_of(test)) != side * side:
        return evidence.without(_no_test(train, test, submission, side))
    first = next(iter(submission.glance(submission.columns[0]).counts), "")
    missing = _other_ids(test, submission, first)
    said = evidence.hint.of("multiclass")
    metric = said or "accuracy"
    why = f"Kaggle calls it '{evidence.hint.said}'" if said else f"{submission.path} has classes"
    name = submission.columns[1]
    return Conclusion(
        form="pixel columns",
        factory=FACTORY,
        arguments={
            "classes": labels.names,
            "size": (side, side),
            "train": train.path,
            "test": test.path,
            "label_column": target,
            "id_column": submission.columns[0],
            **({"submission_label": name} if name != target.capitalize() else {}),
            **({"first_id": int(first)} if not missing and first != "1" else {}),
            "sample_submission": submission.path,
            "defaults": {
                "image": {"size": 2 * side if side < 48 else side, "channels": 1},
                "augment": {"flip": False},
            },
        },
        metric=metric,
        findings=(
            Finding(f"a row is an image of {side} x {side} pixels",
                    f"{train.path} has {side * side} columns named pixel and a number"),
            Finding(f"{target} is predicted: {', '.join(labels.names[:10])}",
                    f"{test.path} does not have it"),
            Finding(f"the metric is {metric}", why, "sure" if said else "likely"),
        ),
        missing=tuple(missing),
        root=evidence.root,
    )  # fmt: skip


def _no_test(
    train: DataTable, test: DataTable | None, submission: DataTable | None, side: int
) -> Missing:
    found = f"{train.path} has images of {side} x {side}, and there is "
    same = test is not None and len(pixel_columns_of(test)) == side * side
    found += (
        f"{test.path} {'with' if same else 'without'} as many pixels" if test else "no test.csv"
    )
    return Missing(
        question="Where are the images to predict?",
        choices=(),
        found=found + ("" if submission else ", and no sample submission"),
        advice="add test.csv with the pixels, and sample_submission.csv with the header",
    )


def _other_ids(test: DataTable, submission: DataTable, first: str) -> list[Missing]:
    """What is missing if the sample submission does not number the rows of the test set."""
    ids = list(submission.column(submission.columns[0]).counts)
    numbered = first.isdigit() and ids == [str(int(first) + row) for row in range(test.rows)]
    if numbered and len(submission.columns) == 2:
        return []
    return [
        Missing(
            question="How does a row of the submission name its image?",
            choices=(),
            found=f"{submission.path} has the columns {', '.join(submission.columns[:5])} and ids "
            f"such as '{first}', and {test.path} has {test.rows:,} rows",
            advice="pixel_table writes the number of the row and the class: write a plugin with "
            "rows of your own",
        )
    ]
