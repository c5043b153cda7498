"""Signs that the classes of a plugin are in the wrong order: names that say another class."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.data.audit.findings import Finding
from comp.data.text_table import header_of, read_text_table
from comp.errors import DataError

LEAST = 5
"""Names that must say another class; a few may be chance."""
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+")


def numbered_names(competition: Competition, train: Sequence[Sample]) -> dict[str, str]:
    """Class -> how a finding shows it: "rust = label 1" if the targets are the indices of the
    classes, and its name is not a number itself."""
    task = competition.task
    shown = {name: name for name in task.labels}
    targets = {s.target for s in train if isinstance(s.target, int | float)}
    if not targets or any(task.check(target) for target in targets):
        return shown
    names = {int(target): task.label_names(target) for target in targets}
    if all(own == task.labels[index : index + 1] for index, own in names.items()):
        for index, name in enumerate(task.labels):
            number = re.match(r"\s*[+-]?\.?\d", name)
            shown[name] = name if number else f"{name} = label {index}"
    return shown


def check_class_names(
    competition: Competition, root: Path, train: Sequence[Sample], test: Sequence[Sample]
) -> list[Finding]:
    """Compare the classes of the training samples with the words in the names of their images, and
    the values of the sample submission with the ids and its column names."""
    valid = [s for s in train if s.target is not None and not competition.task.check(s.target)]
    shown = numbered_names(competition, valid)
    classes = _words_of_classes(shown)
    if len(classes) < 2:
        return []
    labels = competition.task.labels
    named = []
    for sample in valid:
        own = competition.task.label_names(sample.target)
        if len(own) == 1:
            named.append((sample.id, _image_name(sample, root), own[0]))
    return [
        *_contradictions(
            shown,
            named,
            classes,
            "class-names",
            "training images whose name says another class than their label",
        ),
        *_contradictions(
            shown,
            _submitted(competition, root, labels, test),
            classes,
            "submission-names",
            "rows of the sample submission whose id says another class than their value",
        ),
        *_column_name(competition, root, classes),
    ]


def _image_name(sample: Sample, root: Path) -> str:
    """The path of an image below the data folder, without its suffix; or the id of a sample without
    an image."""
    if sample.image is None:
        return sample.id
    return str(sample.image).removeprefix(str(root)).rpartition(".")[0]


def _words_of_classes(shown: Mapping[str, str]) -> dict[str, str]:
    """The words of each class; empty if a name is a number, or has no word of letters."""
    words = {name: _words(name) for name, text in shown.items() if text != name}
    lettered = all(any(map(str.isalpha, text)) and len(text.strip()) > 1 for text in words.values())
    return words if lettered and len(words) == len(shown) else {}


def _words(text: str) -> str:
    """The words of a text in lower case, each between spaces."""
    return f" {' '.join(_WORDS.findall(text)).lower()} "


def _mentioned(text: str, classes: Mapping[str, str]) -> str | None:
    """The only class whose words are in a text; the longer of two that are inside each other."""
    words = _words(text)
    found = [name for name, own in classes.items() if own in words]
    longest = [n for n in found if not any(classes[n] in classes[m] for m in found if m != n)]
    return longest[0] if len(longest) == 1 else None


def _contradictions(
    shown: Mapping[str, str],
    named: Iterable[tuple[str, str, str]],
    classes: Mapping[str, str],
    kind: str,
    words: str,
) -> list[Finding]:
    """A warning if most names that say a class say another than the given one.

    Args:
        named: (id, name, class) of each sample.
    """
    names, agreeing = [], 0
    for sample_id, text, own in named:
        said = _mentioned(text, classes)
        agreeing += said == own
        if said not in (None, own):
            names.append(f"{sample_id} ({shown[own]})")
    if len(names) < LEAST or len(names) <= agreeing:
        return []
    return [
        Finding(
            kind=kind,
            severity="warning",
            count=len(names),
            names=tuple(names),
            words=words,
            advice=f"look at some: if the names are right, the classes {', '.join(classes)} of the "
            "plugin are in the wrong order; the first is label 0",
        )
    ]


def _submitted(
    competition: Competition, root: Path, labels: Sequence[str], test: Sequence[Sample]
) -> list[tuple[str, str, str]]:
    """(id, name, class) of the rows of the sample submission, if it has a class in each row and
    more than one class."""
    if competition.sample_submission is None:
        return []
    try:
        frame = read_text_table(root / competition.sample_submission)
    except DataError:  # another check reports it
        return []
    if frame.width != 2:
        return []
    indices = {str(index): name for index, name in enumerate(labels)}
    known = indices | {f"{index}.0": name for index, name in enumerate(labels)}
    known |= {name: name for name in labels}
    rows = [(i or "", known.get((cell or "").strip(), "")) for i, cell in frame.rows()]
    classes = {name for _, name in rows}
    if "" in classes or len(classes) < 2:
        return []
    images = {sample.id: _image_name(sample, root) for sample in test}
    return [(i, images.get(i, i), name) for i, name in rows]


def _column_name(competition: Competition, root: Path, classes: Mapping[str, str]) -> list[Finding]:
    """A warning if the only column of values is named as the first of two classes, but a prediction
    is the probability of the second."""
    task, labels = competition.task, competition.task.labels
    if competition.sample_submission is None or task.outputs != 1 or len(labels) != 2:
        return []
    try:
        header = header_of(root / competition.sample_submission)
    except DataError:
        return []
    if len(header) != 2 or _mentioned(header[1], classes) != labels[0]:
        return []
    return [
        Finding(
            kind="submission-column",
            severity="warning",
            count=1,
            names=(header[1],),
            words=f"column of the sample submission with the name of '{labels[0]}', but a "
            f"prediction is high for '{labels[1]}', which is label 1",
            advice="swap the classes of the plugin if Kaggle wants the probability of "
            f"'{labels[0]}'",
        )
    ]
