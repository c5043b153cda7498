"""The samples and files of a data folder, for an audit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from comp.contract.competition import Competition
from comp.contract.sample import Sample, Split
from comp.data.audit.findings import Finding, findings_of
from comp.data.audit.sample_checks import UnfitSamplesError, sample_files
from comp.data.listing import contains, folders_named, image_files, printable_path
from comp.data.manifest import list_files
from comp.data.text_table import TableError
from comp.errors import DataError
from comp.files import is_text

TABLES = frozenset({".csv", ".json", ".md", ".txt", ".zip"})
"""Suffixes of files that are never samples: tables, read-me files, archives."""
UNSUPPORTED_IMAGES = frozenset({".avif", ".heic", ".heif", ".j2k", ".jp2", ".jxl", ".pgm", ".ppm"})
"""Suffixes of image formats that are not supported."""
SYSTEM_FILES = frozenset({"desktop.ini", "thumbs.db"})
LEFT_OUT = {
    "dangling-link": (
        "links to files that do not exist; a run leaves them out",
        "fetch the missing files, or remove the links",
    ),
    "linked-folder": (
        "links to folders, which are not read",
        "replace the link by the folder if its images are samples, or remove it",
    ),
    "unread-format": (
        "images in a format that is not supported; a run leaves them out",
        "save them as PNG or JPEG if they are samples, or remove them",
    ),
}
"""Files that a run leaves out but that may be samples: finding kind -> (words, advice)."""


@dataclass(frozen=True)
class SplitInventory:
    """The samples of a split. If the competition cannot read them, `labels_known` is False, the
    samples are the images in the split's folders, without labels and groups, and `findings`
    contains the reason. If it cannot read its table, `table_read` is False, and there are none."""

    samples: Sequence[Sample]
    labels_known: bool = True
    findings: Sequence[Finding] = ()
    table_read: bool = True


def take_inventory(competition: Competition, root: Path, split: Split) -> SplitInventory:
    """The samples of a split, with those that have problems. If they cannot be read, the images in
    the split's folders; if the targets are images, they are found by name in the second folder."""
    try:
        return SplitInventory(competition.samples(root, split))
    except UnfitSamplesError as error:
        return SplitInventory(error.samples, findings=error.findings)
    except TableError as error:
        words = f"the samples of {split} cannot be read; labels and images were not checked"
        advice = "correct this first, then check again"
        findings = findings_of("samples", "error", [str(error)], words, advice)
        return SplitInventory([], False, findings, table_read=False)
    except DataError as error:
        folders = _split_folders(competition, root, split)
        samples, unpaired = _samples_in(competition, root, split, folders)
        findings = [
            *findings_of(
                "samples",
                "error",
                [str(error)],
                f"the samples of {split} cannot be read; labels and groups were not checked",
                "correct this first, then check again",
            ),
            *findings_of(
                "missing-twin",
                "error",
                unpaired,
                "images without an image of the same name in the other folder",
                "fetch the data again, or remove them",
            ),
            *findings_of(
                "bad-name",
                "error",
                _undecodable_names(root, folders),
                "images whose name is not UTF-8 (other bytes shown as \\x..); not checked",
                "rename them",
            ),
        ]
        return SplitInventory(samples, False, findings)


def _split_folders(competition: Competition, root: Path, split: Split) -> list[Path]:
    """The folders of the layout whose names match the split."""
    names = [name for name in competition.layout if ("test" in name.lower()) == (split == "test")]
    folders = (folder for name in names for folder in folders_named(root, name))
    return [folder for folder in folders if folder.is_dir()]


def _samples_in(
    competition: Competition, root: Path, split: Split, folders: Sequence[Path]
) -> tuple[list[Sample], list[str]]:
    """Samples of the images in folders, and the names of images without a partner."""
    if competition.task.output == "image" and split == "train" and len(folders) == 2:
        return _image_pairs(root, *folders)
    paths = [path for folder in folders for path in _named_images(folder)]
    return [Sample(id=path.relative_to(root).as_posix(), image=path) for path in paths], []


def _image_pairs(
    root: Path, image_folder: Path, target_folder: Path
) -> tuple[list[Sample], list[str]]:
    images = {p.relative_to(image_folder).with_suffix(""): p for p in _named_images(image_folder)}
    targets = {
        p.relative_to(target_folder).with_suffix(""): p for p in _named_images(target_folder)
    }
    samples = [
        Sample(id=name.as_posix(), image=path, target=targets.get(name))
        for name, path in images.items()
    ]
    unpaired = [path for name, path in images.items() if name not in targets]
    unpaired += [path for name, path in targets.items() if name not in images]
    return samples, [path.relative_to(root).as_posix() for path in unpaired]


def _named_images(folder: Path) -> list[Path]:
    """The images below a folder whose names are UTF-8."""
    images = image_files(folder, any_name=True)
    return [path for path in images if is_text(path.relative_to(folder))]


def _undecodable_names(root: Path, folders: Sequence[Path]) -> list[str]:
    """The names of the images that are not UTF-8."""
    images = [path for folder in folders for path in image_files(folder, any_name=True)]
    names = [path.relative_to(root) for path in images]
    return [printable_path(name) for name in names if not is_text(name)]


def find_stray_files(
    competition: Competition, root: Path, samples: Iterable[Sample]
) -> list[Finding]:
    """Files below the data folder that belong to no sample, and second copies of the data.

    Images that may be samples are warnings. Tables, archives, manifests and files of file managers
    are ignored.
    """
    used = _absolute_names(sample_files(samples))
    start = root.absolute().as_posix()
    others = [name for name in sorted(list_files(root)) if f"{start}/{name}" not in used]
    paths = [PurePosixPath(name) for name in others]
    copies = {name for name in {p.parts[0] for p in paths} if _is_copy(competition, root / name)}
    strays: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        if path.parts[0] not in copies and not _is_ignored(path, competition):
            strays[_kind_of_stray(root / path)].append(printable_path(Path(path)))
    return [
        *(
            finding
            for kind, (words, advice) in LEFT_OUT.items()
            for finding in findings_of(kind, "warning", strays[kind], words, advice)
        ),
        *findings_of(
            "second-copy",
            "note",
            sorted(copies),
            "folders with a copy of the data; they are not read",
        ),
        *findings_of(
            "stray-file",
            "note",
            strays["stray-file"],
            "files below the data folder that belong to no sample",
        ),
    ]


def _absolute_names(files: Sequence[Path]) -> set[str]:
    """The absolute paths of files and of their folders, with "/"."""
    folders = {file.parent for file in files}
    names = {file.absolute().as_posix() for file in files}
    for folder in {parent.absolute() for parent in folders}:
        names |= {folder.as_posix(), *(parent.as_posix() for parent in folder.parents)}
    return names


def _kind_of_stray(path: Path) -> str:
    """The finding kind of a file that belongs to no sample."""
    try:
        path.stat()
    except OSError:
        return "dangling-link"
    if path.is_dir():
        return "linked-folder"
    return "unread-format" if path.suffix.lower() in UNSUPPORTED_IMAGES else "stray-file"


def _is_copy(competition: Competition, folder: Path) -> bool:
    """Whether a subfolder has the layout of the data."""
    try:
        return all(contains(folder, name) for name in competition.layout)
    except OSError:  # it cannot be entered
        return False


def _is_ignored(path: PurePosixPath, competition: Competition) -> bool:
    hidden = any(part.startswith((".", "__")) for part in path.parts)
    return (
        hidden
        or path.suffix.lower() in TABLES
        or path.name.lower() in SYSTEM_FILES
        or path.as_posix() in competition.layout
    )
