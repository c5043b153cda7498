"""What stands in a folder of data, whether samples name it or not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from comp.contract.competition import Competition, Sample, Split
from comp.data.audit.findings import Finding, found
from comp.data.audit.sample_checks import UnfitSamplesError, sample_files
from comp.data.listing import image_files, spelled
from comp.data.manifest import entries
from comp.errors import DataError
from comp.files import is_text

TABLES = frozenset({".csv", ".json", ".md", ".txt", ".zip"})
"""Suffixes of what need not be named by a sample: tables, read-me files, archives."""
UNREAD = frozenset(
    {".avif", ".dcm", ".gif", ".heic", ".heif", ".j2k", ".jfif", ".jp2", ".jxl", ".pgm", ".ppm"}
)
"""Suffixes of images of formats that are not read."""
LITTER = frozenset({"desktop.ini", "thumbs.db"})
LEFT_OUT = {
    "dangling-link": (
        "links to files that are not there; a run leaves them out",
        "fetch what they point to, or remove them",
    ),
    "linked-folder": (
        "folders behind links, which are not read",
        "put the folder itself there if its images are meant to be samples, or remove the link",
    ),
    "unread-format": (
        "images of a format that is not read; a run leaves them out",
        "save them as PNG or JPEG if they are meant to be samples, or remove them",
    ),
}
"""What a run leaves out though it may be meant as data: what it is, and what to do."""


@dataclass(frozen=True)
class SplitInventory:
    """The samples of a split. `told` is whether the competition could tell them; where it could
    not, images in its folders stand in for them, without labels and groups, and `findings` say
    why."""

    samples: Sequence[Sample]
    labels_known: bool = True
    findings: Sequence[Finding] = ()


def take_inventory(competition: Competition, root: Path, split: Split) -> SplitInventory:
    """The samples of a split, unfit ones too; or the images in its folders where the competition
    raises another error. A dense competition's target images are then those of the same name in its
    second folder."""
    try:
        return SplitInventory(competition.samples(root, split))
    except UnfitSamplesError as error:
        return SplitInventory(error.samples, findings=error.findings)
    except DataError as error:
        folders = _folders(competition, root, split)
        samples, lone = _loose(competition, root, split, folders)
        words = f"the samples of {split} cannot be read, labels and groups were not looked at"
        return SplitInventory(
            samples,
            False,
            [
                *found(
                    "samples", "error", [str(error)], words, "mend this first, then check again"
                ),
                *found(
                    "missing-twin",
                    "error",
                    lone,
                    "images that have no image of the same name in the other folder",
                    "fetch the data again, or remove them",
                ),
                *found(
                    "bad-name",
                    "error",
                    _undecodable_names(root, folders),
                    "images whose name is no UTF-8, odd bytes shown as \\x..; not looked at",
                    "rename them",
                ),
            ],
        )


def _folders(competition: Competition, root: Path, split: Split) -> list[Path]:
    """The folders of a split, as far as their names tell."""
    names = [name for name in competition.layout if ("test" in name.lower()) == (split == "test")]
    return [root / name for name in names if (root / name).is_dir()]


def _loose(
    competition: Competition, root: Path, split: Split, folders: Sequence[Path]
) -> tuple[list[Sample], list[str]]:
    """Samples of the images in a split's folders, and the names of images without a twin."""
    if competition.dense and split == "train" and len(folders) == 2:
        return _twins(root, *folders)
    paths = [path for folder in folders for path in _images(folder)]
    return [Sample(id=path.relative_to(root).as_posix(), image=path) for path in paths], []


def _twins(root: Path, folder: Path, other: Path) -> tuple[list[Sample], list[str]]:
    images = {path.relative_to(folder).with_suffix(""): path for path in _images(folder)}
    targets = {path.relative_to(other).with_suffix(""): path for path in _images(other)}
    samples = [
        Sample(id=name.as_posix(), image=path, target=targets.get(name))
        for name, path in images.items()
    ]
    lone = [path for name, path in images.items() if name not in targets]
    lone += [path for name, path in targets.items() if name not in images]
    return samples, [path.relative_to(root).as_posix() for path in lone]


def _images(folder: Path) -> list[Path]:
    """The images below a folder that can be samples by their name."""
    there = image_files(folder, any_name=True)
    return [path for path in there if is_text(path.relative_to(folder))]


def _undecodable_names(root: Path, folders: Sequence[Path]) -> list[str]:
    """The other ones."""
    there = [path for folder in folders for path in image_files(folder, any_name=True)]
    below = [path.relative_to(root) for path in there]
    return [spelled(path) for path in below if not is_text(path)]


def stray_files(competition: Competition, root: Path, samples: Iterable[Sample]) -> list[Finding]:
    """Files below the data folder that no sample names, with a warning of what may have been meant
    as one, and second copies of the data in it.

    Tables, archives, manifests and what file managers leave behind are not counted.
    """
    named = {path.absolute() for path in sample_files(samples)}
    held = {folder for path in named for folder in path.parents}
    places = [PurePosixPath(entry) for entry in sorted(entries(root))]
    copies = {
        first for first in {p.parts[0] for p in places} if _is_copy(competition, root / first)
    }
    left: dict[str, list[str]] = defaultdict(list)
    for place in places:
        if (
            place.parts[0] not in copies
            and not _ignored(place, competition)
            and (root / place).absolute() not in named | held
        ):
            left[_kind(root / place)].append(spelled(Path(place)))
    return [
        *(
            one
            for kind, (words, advice) in LEFT_OUT.items()
            for one in found(kind, "warning", left[kind], words, advice)
        ),
        *found(
            "second-copy",
            "note",
            sorted(copies),
            "folders that hold a copy of the data; they are not read",
        ),
        *found(
            "stray-file",
            "note",
            left["stray-file"],
            "files below the data folder that no sample names",
        ),
    ]


def _kind(path: Path) -> str:
    """What a file that no sample names is: a kind of `LEFT_OUT`, or of no interest."""
    try:
        path.stat()
    except OSError:
        return "dangling-link"
    if path.is_dir():
        return "linked-folder"
    return "unread-format" if path.suffix.lower() in UNREAD else "stray-file"


def _is_copy(competition: Competition, folder: Path) -> bool:
    """Whether a folder in the data folder has the layout of the data itself."""
    try:
        return all((folder / name).exists() for name in competition.layout)
    except OSError:  # it may not be looked into
        return False


def _ignored(place: PurePosixPath, competition: Competition) -> bool:
    hidden = any(part.startswith((".", "__")) for part in place.parts)
    return (
        hidden
        or place.suffix.lower() in TABLES
        or place.name.lower() in LITTER
        or place.as_posix() in competition.layout
    )
