"""Unpack a downloaded file into its data folder, with a manifest."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from comp.data.archives import unpack_inside, unpack_into
from comp.data.manifest import DownloadPart, Manifest, hash_files
from comp.data.replace_folder import (
    merge_folder,
    refuse_conflicts,
    replace_folder,
    staging_folder,
)
from comp.errors import DataError
from comp.kaggle.client.storage import ReceivedFile

if TYPE_CHECKING:
    from comp.kaggle.download import DownloadProgress
    from comp.kaggle.download_request import DownloadRequest


def unpack_download(
    request: DownloadRequest, received: ReceivedFile, progress: DownloadProgress
) -> Manifest:
    """Unpack a file next to the data folder, then replace the folder, or add to it if the request
    is for one file.

    Zips inside that Python cannot open are kept as they are; `progress` says so.

    Raises:
        DamagedError: the file is damaged.
        UnreadableError: Python cannot unpack the file itself.
        DataError: the file is empty or unsafe, or a file of the user is in the way.
    """

    def show_unpacked(written: int) -> None:
        progress.progress("unpacking", written, None)

    with staging_folder(request.place) as staging:
        if request.file is None:
            name = f"{request.reference.name}.zip"
            kept = unpack_into(received.path, staging, name, show_unpacked)
        else:
            # Kaggle packs some single files
            packed = received.remote.name.endswith(".zip") and not request.file.endswith(".zip")
            target = staging / f"{request.file}{'.zip' if packed else ''}"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(received.path, target)
            kept = unpack_inside(staging, request.reference.name, show_unpacked)
        manifest = Manifest(
            reference=str(request.reference),
            parts=(_manifest_part(request, received),),
            files=hash_files(staging, request.file, partial(progress.progress, "checking")),
        )
        if not manifest.files:
            raise DataError(f"{request.action}: it contains no files; look at its page on Kaggle")
        refuse_conflicts(staging, request.place, request.force)
        manifest.write(staging)
        if request.file and request.place.is_dir():
            merge_folder(staging, request.place)
        else:
            replace_folder(staging, request.place)
    for each in kept:
        progress.note(each.sentence(request.place))
    return Manifest.read(request.place) or manifest


def _manifest_part(request: DownloadRequest, received: ReceivedFile) -> DownloadPart:
    remote = received.remote
    return DownloadPart(
        file=request.file,
        name=remote.name,
        bytes=received.bytes,
        sha256=received.sha256,
        etag=remote.etag,
        modified=remote.modified,
        fetched=datetime.now(UTC).isoformat(timespec="seconds"),
    )
