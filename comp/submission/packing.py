"""Packs large submissions into a zip file."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from comp.errors import SubmissionError

SMALL_BYTES = 5_000_000
"""Files above this size are packed."""


@contextmanager
def packed(path: Path) -> Iterator[Path]:
    """Yield the file itself or, if it is large, a temporary zip file of it.

    Raises:
        SubmissionError: the zip file cannot be written.
    """
    if path.stat().st_size <= SMALL_BYTES:
        yield path
        return
    with TemporaryDirectory() as scratch:
        archive = Path(scratch) / f"{path.name}.zip"
        try:
            _pack(path, archive)
        except OSError as error:
            raise SubmissionError(
                f"cannot pack {path.name} in {scratch}: {error.strerror}; make room, or set TMPDIR"
            ) from None
        yield archive


def _pack(path: Path, packed: Path) -> None:
    with (
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive,
        path.open("rb") as stream,
        archive.open(path.name, "w", force_zip64=True) as member,
    ):
        shutil.copyfileobj(stream, member, 1 << 20)
