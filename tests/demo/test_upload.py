"""Dropped files: images are taken, others are refused in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from comp.demo import upload
from comp.demo.upload import uploaded_sample
from comp.errors import DataError


def noise(mode: str = "RGB") -> Image.Image:
    values = np.random.default_rng(0).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    return Image.fromarray(values).convert(mode)


@pytest.mark.parametrize(
    ("name", "mode"),
    [("a.png", "RGB"), ("b.jpg", "CMYK"), ("c.gif", "P"), ("d.tif", "L"), ("no suffix", "RGB")],
)
def test_images_are_taken(tmp_path: Path, name: str, mode: str) -> None:
    suffix = Path(name).suffix or ".png"
    noise(mode).save(tmp_path / f"x{suffix}")
    path = (tmp_path / f"x{suffix}").rename(tmp_path / name)
    sample = uploaded_sample(path)
    assert (sample.id, sample.image) == (path.stem, path)


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"id,label\n1,2\n", b"%PDF-1.7", b"PK\x03\x04zip"]
)
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "photo.png").write_bytes(content)
    with pytest.raises(DataError, match=r"^photo\.png is not an image: drop a PNG"):
        uploaded_sample(tmp_path / "photo.png")


@pytest.mark.parametrize("suffix", ["gif", "tif", "webp"])
def test_several_images_in_one_file_are_refused(tmp_path: Path, suffix: str) -> None:
    frames = [Image.new("RGB", (8, 8), (50 * n, 0, 0)) for n in range(3)]
    frames[0].save(tmp_path / f"many.{suffix}", save_all=True, append_images=frames[1:])
    with pytest.raises(DataError, match=r"contains 3 images: save the one to predict as a PNG"):
        uploaded_sample(tmp_path / f"many.{suffix}")


def test_a_large_file_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise().save(tmp_path / "large.png")
    monkeypatch.setattr(upload, "MAX_BYTES", 100)
    with pytest.raises(DataError, match=r"large\.png has .* are the limit"):
        uploaded_sample(tmp_path / "large.png")
