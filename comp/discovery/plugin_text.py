"""The source of a plugin, from what was concluded about the data."""

from __future__ import annotations

import re
import textwrap
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from comp.discovery.conclusion import Code, Conclusion, Finding
from comp.discovery.source_text import STEP, WIDTH, Call, call_of, source_of

COMMENTS: Mapping[str, str] = {
    "name": "the name on the command line",
    "kaggle": "the end of its address on kaggle.com",
    "task": "what is predicted",
    "metric": "what the score is; see comp.contract.metrics",
    "classes": "in the order of the numbers 0, 1, ...",
    "labels": "the table of the training set",
    "table": "the table of the training set",
    "train": "the table of the training set",
    "test": "the table of the test set",
    "id_column": "the column of the ids",
    "numbered": "the training rows have no ids",
    "id_is_feature": "the models see the ids too",
    "target_table": "the table with the targets of the training rows",
    "skip_blank_targets": "rows without a target are left out",
    "label_column": "the column of the answers",
    "label_columns": "the columns of the answers",
    "separator": "what is between the names of one cell",
    "group_column": "all rows with the same value are in the same fold",
    "time_column": "when the row was made",
    "weight_column": "how much a row counts in the loss",
    "images": "the training images",
    "masks": "the training masks, or None",
    "targets": "the images that they are to become",
    "mask_suffix": "what the name of a mask has after that of its image",
    "target": "the columns to predict",
    "drop": "columns that the models do not see",
    "feature_columns": "columns that the network sees beside the image",
    "test_table": "the same columns of the test set",
    "class_pattern": "the class is in the name of a file, not its folder",
    "group_pattern": "a group in the names of files; a group is in one fold",
    "channels": "1 for grey, 3 for colour",
    "value_column": "the column of the pixels in the submission",
    "first_id": "the id of the first row of the test set",
    "test_images": "the images to predict for",
    "rle_column": "the column of the run lengths",
    "join_rows": "several rows of an image are parts of one mask",
    "test_share": "no test set: this share of the training samples is held out",
    "class_column": "the column of the class in the submission",
    "sample_submission": "the submission is compared with it",
    "submission_id": "the column of the ids in the submission",
    "submit": "what a row of the submission says",
    "columns": "the columns of the submission after the id",
    "size": "height and width in pixels",
    "defaults": "configuration keys that differ from the defaults of comp",
}
"""What an argument of a factory means; the others have no comment."""
COMMENTS_OF: Mapping[str, Mapping[str, str]] = {
    "image_folders": {"train": "folders that have a folder of images for each class"},
    "image_pairs": {"id_column": "the column of the pixels' names in the submission"},
    "pixel_table": {"id_column": "the column of the ids in the submission"},
}
"""What an argument means to one factory."""
HOIST_FROM = 12
"""Names that are too many for one line become a constant of text from this number on."""
NAMES = "NAMES"
_PLAIN = re.compile(r"[^\s\\\"'`]+")


def plugin_text(
    conclusion: Conclusion, *, name: str, title: str, kaggle: str, facts: Sequence[Finding] = ()
) -> str:
    """The source of `competitions/<name>.py`: a docstring of the findings, and one factory call.

    Args:
        kaggle: `competitions/<slug>` or `datasets/<owner>/<slug>`; "" if it is not known.
        facts: further findings, such as those that Kaggle's page gives.
    """
    constants: dict[str, str] = {}
    arguments = {key: _hoisted(value, constants) for key, value in _arguments(conclusion).items()}
    names = {"name": name, "title": title, "kaggle": kaggle or f"competitions/{name}"}
    factory = conclusion.factory.rpartition(".")
    lines = [_docstring(title, [*facts, *conclusion.findings]), "", *_imports(conclusion), ""]
    for constant, text in constants.items():
        lines += [f"{constant} = {text}", ""]
    lines.append(f"COMPETITION = {factory[2]}(")
    comments = {**COMMENTS, **COMMENTS_OF.get(factory[2], {})}
    if not kaggle:
        comments["kaggle"] = UNKNOWN_ADDRESS
    for key, value in (names | arguments).items():
        lines += _argument(key, value, comments)
    return "\n".join([*lines, ")", ""])


UNKNOWN_ADDRESS = "not known: correct it before 'comp submit'"
"""The comment on an address that is only made of the name."""


def _arguments(conclusion: Conclusion) -> dict[str, Any]:
    """The task, the metric and the other arguments of the factory."""
    found: dict[str, Any] = {}
    if conclusion.task:
        found["task"] = call_of(conclusion.task)
    if conclusion.metric:
        found["metric"] = conclusion.metric
    given = conclusion.arguments.items()
    return found | {k: call_of(v.text) if isinstance(v, Code) else v for k, v in given}


def _argument(key: str, value: Any, comments: Mapping[str, str]) -> Iterator[str]:
    """The lines of one argument, with its comment behind it or, without room, before it."""
    source = source_of(value, STEP, f"{key}=")
    comment = comments.get(key, "")
    if not comment:
        yield source
    elif "\n" in source or len(source) + len(comment) + 4 > WIDTH:
        yield f"{' ' * STEP}# {comment}"
        yield source
    else:
        yield f"{source}  # {comment}"


def _hoisted(value: Any, constants: dict[str, str]) -> Any:
    """The value with its long tuples of names as constants, whose source goes to `constants`."""
    if isinstance(value, Call):
        keywords = {key: _hoisted(part, constants) for key, part in value.keywords.items()}
        return Call(value.function, [_hoisted(v, constants) for v in value.arguments], keywords)
    if not isinstance(value, tuple | list) or len(value) < HOIST_FROM:
        return value
    if not all(isinstance(name, str) and _PLAIN.fullmatch(name) for name in value):
        return value
    if len(source_of(value, STEP, "classes=")) <= WIDTH:
        return value
    text = '"""\n' + textwrap.fill(
        " ".join(value), WIDTH, break_long_words=False, break_on_hyphens=False
    )
    text += '\n""".split()'
    known = next((key for key, source in constants.items() if source == text), "")
    constant = known or f"{NAMES}_{len(constants) + 1}" * bool(constants) or NAMES
    constants[constant] = text
    return Code(f"tuple({constant})", "", "")


def _imports(conclusion: Conclusion) -> list[str]:
    """The lines that import the factory, the function of the task, and what `Code` names."""
    names: dict[str, set[str]] = defaultdict(set)
    module, _, factory = conclusion.factory.rpartition(".")
    names[module].add(factory)
    task = call_of(conclusion.task) if conclusion.task else None
    if isinstance(task, Call):
        names[f"comp.tasks.{task.function}"].add(task.function)
    for value in _codes(conclusion.arguments):
        names[value.module].add(value.name)
    return [f"from {key} import {', '.join(sorted(names[key]))}" for key in sorted(names) if key]


def _codes(value: Any) -> Iterator[Code]:
    """The `Code` in a value."""
    if isinstance(value, Code):
        yield value
    elif isinstance(value, Mapping | tuple | list):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from _codes(part)


def _docstring(title: str, findings: Sequence[Finding]) -> str:
    lines = [f'"""{_line(title).rstrip(".")[: WIDTH - 6]}.']
    if findings:
        lines += ["", "What 'comp new' concluded from the data, and how sure it is:", ""]
    for finding in findings:
        text = f"{finding.certainty}: {_line(finding.what)}"
        text += f" ({_line(finding.why)})" if finding.why else ""
        lines += textwrap.wrap(f"- {text}", WIDTH, subsequent_indent="  ", break_long_words=False)
    return "\n".join([*lines, '"""'] if findings else [f'{lines[0]}"""'])


def _line(text: str) -> str:
    """A text on one line that may be in a docstring."""
    printable = "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))
    return printable.replace("\\", "/").replace('"', "'")
