"""Images whose class is the name of their folder, or a part of their file name."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from comp.discovery.conclusion import Conclusion, Finding, Missing
from comp.discovery.evidence import TEST_WORDS, VALIDATION, Evidence
from comp.discovery.folder_groups import groups_of_images
from comp.discovery.groups import GROUP_WORDS
from comp.discovery.label_names import MOST_CLASSES, is_negative, ordered_names
from comp.discovery.label_table import find_test_images
from comp.discovery.paired_folders import TARGET_WORDS
from comp.discovery.scores import Submission, choose_submission
from comp.discovery.tables import words_of
from comp.discovery.targets import columns_of_classes
from comp.discovery.values import Labels

FACTORY = "comp.tasks.image_folders.image_folders"
TRAIN = frozenset({"train", "training"})
NO_CLASS = frozenset(
    {*TEST_WORDS, *VALIDATION, *TRAIN, "images", "image", "img", "imgs", "masks", "mask", "labels",
     "label", "targets", "target", "data", "annotations", "cleaned", "part", "input", "output",
     "testset", "trainset", "valset", "dataset", "frames", "videos"}
)  # fmt: skip
"""Words of folders that are not classes."""
_NUMBER = r"[._ -]?[0-9]+"


def class_folders(evidence: Evidence) -> Conclusion | None:
    """train/CLASS/*.jpg, perhaps with val/CLASS and test/; None if there are no such folders."""
    parents = _class_parents(evidence)
    said = evidence.answers.get("images")
    if said:
        parents = {said: parents[said]} if said in parents else {}
    train = _training(parents)
    if train is None:
        return None
    if len(train) > 1:
        return evidence.without(
            Missing(
                question="Which folder has the training images?",
                choices=tuple(train),
                found=f"{' and '.join(train)} all have folders of classes",
                argument="images",
            )
        )
    folder, counts = train[0], parents[train[0]]
    parts = (folder, *_validation(parents, folder))
    if folder != ".":
        parts = tuple(part for part in parts if part not in _predicted(evidence, parts))
    where = "the main folder" if folder == "." else f"{folder}/"
    why = f"{where} has a folder of images for each of {len(counts)} classes"
    return _concluded(evidence, "class folders", counts, parts, {}, why)


def labels_in_names(evidence: Evidence) -> Conclusion | None:
    """train/cat.12.jpg: the class is at the beginning or at the end of a file name."""
    inventory = evidence.inventory
    for folder, names in sorted(inventory.images.items(), key=lambda item: -len(item[1])):
        words = words_of(folder.replace("/", " "))
        if words & (TEST_WORDS | VALIDATION | TARGET_WORDS | {"trimaps"}):
            continue
        stems = [name.rpartition(".")[0] for name in names]
        for before in (True, False):
            counts = _classes_in(stems, before)
            if not counts:
                continue
            pattern = _pattern(counts, before)
            why = f"all {len(names):,} names in {folder}/ are such as {names[0]}"
            more = {"class_pattern": pattern}
            return _concluded(evidence, "labels in file names", counts, (folder,), more, why)
    return None


def _classes_in(stems: Sequence[str], before: bool) -> Counter[str]:
    """The classes in file names, if each name is a class and a number."""
    form = rf"(.*[^\W\d].*?){_NUMBER}" if before else r"[0-9]+[._ -](.*[^\W\d].*)"
    matches = [re.fullmatch(form, stem) for stem in stems]
    counts = Counter(match[1].rstrip("._ -") for match in matches if match)
    found = counts.total() == len(stems) and 2 <= len(counts) <= max(2, len(stems) // 3)
    return counts if found and min(counts.values()) >= 2 else Counter()


def _pattern(counts: Counter[str], before: bool) -> str:
    names = sorted(counts)
    short = "|".join(map(_escaped, names)) if len(names) <= 10 else r".*[^\W\d].*?"
    if before:
        return rf"^({short}){_NUMBER}[.][A-Za-z]+$"
    return rf"^[0-9]+[._ -]({short})[.][A-Za-z]+$"


def _escaped(text: str) -> str:
    return re.sub(r"([.+*?()\[\]{}|^$\\])", r"\\\1", text)


def _class_parents(evidence: Evidence) -> dict[str, Counter[str]]:
    """Folder -> the images of the folders in it, if these may be classes."""
    inventory = evidence.inventory
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for folder, files in inventory.images.items():
        path = PurePosixPath(folder)
        for child in (path, *path.parents):
            if child.name:
                found[child.parent.as_posix()][child.name] += len(files)
    parents = {}
    for folder, counts in found.items():
        if folder in inventory.images or len(counts) < 2 or len(counts) > MOST_CLASSES:
            continue
        classes = [name for name in counts if not words_of(name) & NO_CLASS]
        lonely = sum(counts.values()) < 2 * len(counts)  # a folder for each image
        cases = all(words_of(name) & GROUP_WORDS and _ends_with_number(name) for name in counts)
        if (
            len(classes) == len(counts)
            and not (lonely or cases or _are_hashes(folder, counts, inventory.images))
            and not _of_classes(found, folder, counts)
        ):
            parents[folder] = counts
    inner = {PurePosixPath(folder).parent.as_posix() for folder in parents if folder != "."}
    return {folder: counts for folder, counts in parents.items() if folder not in inner}


def _ends_with_number(name: str) -> bool:
    """Whether a name such as patient_12 or Patient (12) ends with a number."""
    return name.rstrip(")] ")[-1:].isdigit()


def _are_hashes(folder: str, names: Iterable[str], images: Mapping[str, Sequence[str]]) -> bool:
    """Whether folders only spread many images, as the beginnings of their names do: 0/a/f/."""
    prefix = "" if folder == "." else f"{folder}/"
    short = all(re.fullmatch(r"[0-9a-f]{1,3}", name) for name in names)
    return short and not any(f"{prefix}{name}" in images for name in names)


def _of_classes(found: Mapping[str, Counter[str]], folder: str, counts: Counter[str]) -> bool:
    """Whether the folders in a folder all have the same folders inside, so that these are the
    classes, or parts of each case."""
    prefix = "" if folder == "." else f"{folder}/"
    inner = [frozenset(found.get(f"{prefix}{name}", ())) for name in counts]
    if len(inner[0]) == 1 and words_of(next(iter(inner[0]))) & {"images", "image", "imgs", "img"}:
        return False  # CLASS/images/*.jpg
    return len(inner[0]) > 0 and len(set(inner)) == 1


def _training(parents: Mapping[str, Counter[str]]) -> list[str] | None:
    """The folders that may be those of the training images: one, or several to choose from."""
    splits = {**dict.fromkeys(TEST_WORDS | VALIDATION, "other"), **dict.fromkeys(TRAIN, "train")}
    kinds: dict[str, set[str]] = {
        folder: {splits[word] for word in words_of(folder.replace("/", " ")) if word in splits}
        for folder in parents
    }
    named = [folder for folder in parents if "train" in kinds[folder]]
    candidates = named or [folder for folder in parents if not kinds[folder]]
    if not candidates:
        return None
    top = min(folder.count("/") if folder != "." else -1 for folder in candidates)
    highest = [f for f in candidates if (f.count("/") if f != "." else -1) == top]
    return sorted(highest)


def _validation(parents: Mapping[str, Counter[str]], train: str) -> list[str]:
    """The folders of validation images beside those of training, with no further classes."""
    upper = PurePosixPath(train).parents
    level = str(upper[0]) if upper else "."
    if PurePosixPath(train).name == PurePosixPath(level).name:  # train/train/
        level = str(PurePosixPath(level).parent)
    found = []
    for folder, counts in parents.items():
        near = folder.count("/") == train.count("/") and f"{folder}/".startswith(
            "" if level == "." else f"{level}/"
        )
        named = words_of(PurePosixPath(folder).name) & VALIDATION
        if near and named and set(counts) <= set(parents[train]):
            found.append(folder)
    return found


def _predicted(evidence: Evidence, parts: Sequence[str]) -> set[str]:
    """A validation folder that is predicted because there is no test folder."""
    if evidence.roles.submission is not None or evidence.answers.get("test_images"):
        return set()
    _, arguments, missing = evidence.test_folder((parts[0],))
    return set() if missing else {arguments["test_images"]}


def _concluded(
    evidence: Evidence,
    form: str,
    counts: Counter[str],
    parts: tuple[str, ...],
    more: Mapping[str, Any],
    why: str,
) -> Conclusion:
    names = ordered_names(counts)
    kind = "binary" if len(names) == 2 else "multiclass"
    shown = f"{', '.join(names[:5])}{', ...' * (len(names) > 5)}"
    where = "folder" if form == "class folders" else "file name"
    found = Finding(f"the class is in the {where}: {shown}", why)
    labels = Labels(kind, form, names, ("label",), finding=found)
    submitted = _submission(evidence, labels, counts)
    tested, arguments, missing = find_test_images(evidence, taken=parts)
    files = [path for part in parts for path in evidence.inventory.paths(part)]
    pattern, of_group = _groups(files) if form == "class folders" else (None, None)
    positive = Finding(
        f"{names[1]} is the positive class", f"{names[0]} is the usual state", "likely"
    )
    findings = [
        found,
        *([positive] if kind == "binary" and is_negative(*names) else []),
        *tested,
        *([of_group] if of_group else []),
        *submitted.findings,
        *evidence.copies(parts[:1], pattern is not None),
    ]
    return Conclusion(
        form=form,
        factory=FACTORY,
        task=labels.task,
        arguments={
            "train": parts,
            **more,
            **({"group_pattern": pattern} if pattern else {}),
            **arguments,
            **submitted.arguments,
            **evidence.defaults(parts),
        },
        metric=submitted.metric,
        findings=tuple(findings),
        missing=(*missing, *submitted.missing),
        root=evidence.root,
    )


def _groups(paths: Sequence[str]) -> tuple[str | None, Finding | None]:
    """The groups in the names of files, or their folders; a path begins with the class."""
    inner = [path.partition("/")[2] for path in paths]
    return groups_of_images(inner, [path.partition("/")[0] for path in paths])


def _submission(evidence: Evidence, labels: Labels, counts: Counter[str]) -> Submission:
    from comp.discovery.tables import Column

    table = evidence.roles.submission
    if table is None:
        chosen = choose_submission(labels, None, evidence.hint)
        probability = labels.kind == "binary" and chosen.metric in ("auc", "log-loss")
        columns = {"columns": ("probability",)} if probability else {}
        return Submission(chosen.metric, columns, chosen.findings)
    column = Column("label", list(counts))
    classes = columns_of_classes(column, table.columns[1:]) if len(table.columns) > 2 else ()
    return choose_submission(labels, table, evidence.hint, classes)
