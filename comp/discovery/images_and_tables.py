"""Images and tables: labels, run lengths or boxes, whose ids name the images."""

from __future__ import annotations

import re
from collections.abc import Sequence

from comp.discovery.conclusion import Conclusion, Missing
from comp.discovery.evidence import Evidence
from comp.discovery.folders import class_folders
from comp.discovery.label_table import LabelTable, choose_table, image_table, tables_of_images
from comp.discovery.pairs import of_pairs
from comp.discovery.run_length_form import run_length_table
from comp.discovery.run_lengths import joined_table, rle_columns, run_lengths_of
from comp.discovery.tables import DataTable, words_of

_BOX_WORDS = frozenset({"bbox", "bboxes", "boundingbox", "xmin", "ymin", "xmax", "ymax"})
MANY_NUMBERS = 20
"""Numbers of a cell that are no list of labels."""


def of_images_and_tables(evidence: Evidence) -> Conclusion | None:
    """The conclusion if a table names images; None if none does, or another form says more."""
    for table in evidence.roles.candidates:
        joined = joined_table(evidence, table)
        if joined:
            return of_pairs(evidence) or run_length_table(evidence, *joined)
    found = tables_of_images(evidence)
    if not found:
        return None
    with_runs = [each for each in found if rle_columns(each.table)]
    if with_runs:
        return _of_run_lengths(evidence, with_runs)
    boxes = [each for each in found if _has_boxes(each.table)]
    if boxes:
        return evidence.without(_boxes(boxes[0]))
    pairs = of_pairs(evidence, found[0] if len(found) == 1 else None)
    if pairs is not None and pairs.form == "mask folders" and not _labels_submitted(evidence):
        return pairs
    numbers = next(filter(None, (_pairs_of_numbers(each.table) for each in found)), None)
    if numbers:
        return evidence.without(numbers)
    chosen = choose_table(evidence, found)
    if isinstance(chosen, Missing):
        return class_folders(evidence) or evidence.without(chosen)
    concluded = image_table(evidence, chosen)
    if concluded.known:
        return concluded
    folders = class_folders(evidence)
    return folders if folders is not None and folders.known else concluded


def _of_run_lengths(evidence: Evidence, tables: Sequence[LabelTable]) -> Conclusion:
    """The conclusion from tables of run lengths, of which one is that of the training images."""
    chosen = choose_table(evidence, tables)
    table = None if isinstance(chosen, Missing) else chosen
    pairs, runs = of_pairs(evidence, table), run_lengths_of(evidence, table)
    if pairs:
        return pairs
    if table and runs:
        return run_length_table(evidence, table, runs)
    assert isinstance(chosen, Missing)
    return evidence.without(chosen)


def _labels_submitted(evidence: Evidence) -> bool:
    """Whether a column of the sample submission is one of a table, and has no run lengths."""
    submission = evidence.roles.submission
    if submission is None or rle_columns(submission):
        return False
    wanted = set(submission.columns[1:])
    return any(wanted <= set(table.columns) for table in evidence.roles.candidates)


def _pairs_of_numbers(table: DataTable) -> Missing | None:
    """What is said of cells with many pairs of numbers that are no run lengths: their starts do not
    rise. They would be taken for names of classes."""
    from comp.submission.rle import EMPTY_MARKS, RUNS

    for name in table.columns:
        texts = [text for text in table.glance(name).counts if text not in EMPTY_MARKS]
        long = max(map(len, map(str.split, texts)), default=0) >= MANY_NUMBERS
        if long and all(re.match(RUNS, text) for text in texts):
            return Missing(
                question=f"What are the numbers of {name}?",
                choices=(),
                found=f"{table.path} has cells such as '{texts[0]:.40}', pairs of numbers as of "
                "run lengths, but the starts do not rise",
                advice="comp reads run lengths that count all starts from the first pixel: if they "
                "count from the end of the run before, as those of SIIM-ACR Pneumothorax, add up "
                "the starts",
            )
    return None


def _has_boxes(table: DataTable) -> bool:
    names = {re.sub(r"[\W_]+", "", name.lower()) for name in table.columns}
    words = {word for name in table.columns for word in words_of(name)} | names
    return bool(words & _BOX_WORDS) or {"x", "y", "width", "height"} <= names


def _boxes(found: LabelTable) -> Missing:
    return Missing(
        question="What is to be predicted but boxes?",
        choices=(),
        found=f"{found.table.path} has the columns {', '.join(found.table.columns[:8])}, which are "
        "boxes around objects",
        advice="comp does not find objects: write a table of one label for each image, or masks",
    )
