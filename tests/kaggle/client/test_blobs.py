"""Uploads for data sets and models, by the real client."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from kaggle_server import KaggleServer

from comp.errors import RefusedError
from comp.kaggle.client.blobs import upload_blob
from comp.kaggle.client.session import Kaggle


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "fold-0.safetensors"
    path.write_bytes(b"numbers" * 1000)
    return path


@pytest.mark.parametrize("kind", ["dataset", "model"])
def test_a_blob_says_what_it_is_for(
    server: KaggleServer, kaggle: Kaggle, weights: Path, kind: Literal["dataset", "model"]
) -> None:
    told: list[int] = []
    token = upload_blob(kaggle, weights, kind, told.append)
    assert server.uploads[token] == weights.read_bytes()
    assert told[-1] == 7000
    assert server.blobs.started[token] == {
        "type": kind.upper(),
        "name": "fold-0.safetensors",
        "contentLength": 7000,
        "lastModifiedEpochSeconds": int(weights.stat().st_mtime),
    }


def test_a_broken_upload_is_tried_again(
    server: KaggleServer, kaggle: Kaggle, weights: Path, waits: list[float]
) -> None:
    server.fail("StartBlobUpload", "drop", done=True)
    server.fail("PUT", "status", status=503)
    token = upload_blob(kaggle, weights, "dataset")
    assert server.uploads[token] == weights.read_bytes()
    assert (server.count("StartBlobUpload"), server.count("PUT"), len(waits)) == (3, 2, 2)


def test_a_refused_upload_changes_nothing(
    server: KaggleServer, kaggle: Kaggle, weights: Path
) -> None:
    server.fail("PUT", "status", status=403, body="verysecret")
    with pytest.raises(RefusedError, match=r"refused \(403\): no model was changed") as caught:
        upload_blob(kaggle, weights, "model")
    assert "verysecret" not in str(caught.value)
    assert server.count("PUT") == 1
