"""Uploads of files that become part of a data set or a model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from comp.kaggle.client.session import Kaggle
from comp.kaggle.client.uploads import put_file


def upload_blob(
    kaggle: Kaggle,
    path: Path,
    kind: Literal["dataset", "model"],
    on_bytes: Callable[[int], None] | None = None,
) -> str:
    """Upload a file and return its token. This makes no data set and may be repeated.

    Args:
        on_bytes: (bytes sent so far) -> None.

    Raises:
        RefusedError: Kaggle or its storage refused.
        NetworkError: no answer, after all attempts.
    """
    from kagglesdk.blobs.types.blob_api_service import ApiBlobType, ApiStartBlobUploadRequest

    request = ApiStartBlobUploadRequest()
    request.type = ApiBlobType.DATASET if kind == "dataset" else ApiBlobType.MODEL
    request.name = path.name
    request.content_length = path.stat().st_size
    request.last_modified_epoch_seconds = int(path.stat().st_mtime)
    start = kaggle.sdk.blobs.blob_api_client.start_blob_upload
    outcome = f"no {'data set' if kind == 'dataset' else 'model'} was changed, try again"
    return put_file(kaggle, path, lambda: start(request), outcome, on_bytes)
