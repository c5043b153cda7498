"""Why a data folder lacks files: a zip cannot be opened, or they were not downloaded."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from comp.data.archive_methods import KeptZip, target_folder, why_split, why_unreadable
from comp.data.manifest import Manifest


def why_missing(folder: Path, top: Path, missing: Sequence[str]) -> str:
    """Why names are missing in a folder, with what to do; "" if nothing is known.

    Args:
        top: the folder of the data, of which `folder` is a part.
    """
    return _packed(folder, missing) or not_downloaded(top, missing)


def can_unpack(archive: Path) -> bool:
    """Whether Python can unpack a zip, if it is whole."""
    return _kept(archive) is None


def not_downloaded(top: Path, missing: Sequence[str]) -> str:
    """That a data folder has only a part of the files at Kaggle, and the command that gets the
    missing ones; "" if all were downloaded, or nothing was."""
    manifest = Manifest.read(top)
    if not manifest or any(part.file is None for part in manifest.parts):
        return ""
    where = f" --out {top}" if top.parent.name != "data" else ""
    patterns = " ".join(f"--only '{PurePosixPath(name).name}*'" for name in missing)
    command = f"comp download {manifest.reference if where else top.name}"
    count = f"{len(manifest.parts):,} downloaded file{'s' * (len(manifest.parts) > 1)}"
    return (
        f"{', '.join(missing)} not found: {top} has only {count} of {manifest.reference}; get the "
        f"rest with: {command} {patterns}{where} (or see all files: {command} --list{where})"
    )


def _packed(folder: Path, missing: Sequence[str]) -> str:
    """The first zip in a folder that cannot be opened and has the name of a missing file, in
    words; of any name if none has."""
    kept = [each for path in sorted(folder.glob("*.zip")) if (each := _kept(path))]
    stems = {PurePosixPath(name).name for name in missing}
    stems |= {PurePosixPath(name).stem for name in missing}
    for each in sorted(kept, key=lambda each: PurePosixPath(each.path).stem not in stems):
        return f"{', '.join(missing)} not found: {each.sentence(folder)}"
    return ""


def _kept(path: Path) -> KeptZip | None:
    """A zip that is whole and cannot be opened, else None."""
    try:
        with zipfile.ZipFile(path) as zipped:
            members = zipped.infolist()
    except (OSError, zipfile.BadZipFile, NotImplementedError):
        members = []
    reason = why_split(path) or why_unreadable(members)
    if not reason:
        return None
    target = target_folder(path, members).relative_to(path.parent)
    return KeptZip(path=path.name, folder=str(target), reason=reason)
