"""The file of an estimator: a zip of a description as JSON, and of the files of its library.

The same content gives the same bytes. Arrays are .npy files without pickle. Only the trees of
scikit-learn are a pickle, which is read with a list of the classes that it may contain.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comp.errors import RunError
from comp.files import replacing

if TYPE_CHECKING:
    import numpy as np

FORMAT = "comp estimator 1"
DESCRIPTION = "estimator.json"


def write_archive(path: Path, description: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
    """Write an archive.

    Args:
        description: values of JSON, with the name of the estimator as `name`.
        files: content by name.
    """
    text = json.dumps({"format": FORMAT, **description}, allow_nan=False, indent=1)
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, content in {DESCRIPTION: text.encode(), **files}.items():
            entry = zipfile.ZipInfo(name)  # of a fixed date
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)


def read_archive(path: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The description and the files of an archive.

    Raises:
        RunError: the file is missing, damaged, or not one of an estimator.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        description = json.loads(files.pop(DESCRIPTION))
        if description["format"] != FORMAT:
            raise ValueError(f"it is not of the format '{FORMAT}'")
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise unreadable(path, error) from None
    return description, files


def unreadable(path: Path, error: Exception) -> RunError:
    """The error of a file that is not a whole estimator."""
    return RunError(f"cannot read {path} ({error}): delete it and the fold restarts")


def array_bytes(array: np.ndarray) -> bytes:
    """An array as the bytes of an .npy file."""
    import numpy as np

    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()


def bytes_array(data: bytes) -> np.ndarray:
    """The array of an .npy file."""
    import numpy as np

    array: np.ndarray = np.load(io.BytesIO(data), allow_pickle=False)
    return array
