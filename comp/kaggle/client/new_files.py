"""The files of a new version of a data set or a model, in the folders that they have there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def set_files(body: Any, files: Mapping[str, str]) -> None:
    """Set `files` and `directories` of a request, from path -> token of an upload. The last part of
    a path is the name that the file was uploaded with.

    Kaggle drops the folders in names of uploads, so each folder is an object of its own.
    """
    from kagglesdk.datasets.types.dataset_api_service import (
        ApiDatasetNewFile,
        ApiUploadDirectoryInfo,
    )

    here, below = [], dict[str, dict[str, str]]()
    for path, token in sorted(files.items()):
        folder, _, rest = path.partition("/")
        if rest:
            below.setdefault(folder, {})[rest] = token
            continue
        new = ApiDatasetNewFile()
        new.token = token
        here.append(new)
    directories = []
    for name, inside in below.items():
        directory = ApiUploadDirectoryInfo()
        directory.name = name
        set_files(directory, inside)
        directories.append(directory)
    body.files = here
    body.directories = directories
