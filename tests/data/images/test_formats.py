"""What kind of file an image is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from comp.data.images.formats import HEAD_BYTES, format_of, is_picture, read_head
from comp.errors import DataError


@pytest.mark.parametrize(
    ("suffix", "name"),
    [(".png", "PNG"), (".jpg", "JPEG"), (".webp", "WEBP"), (".bmp", "BMP"), (".gif", "GIF")],
)
def test_pictures_are_known_by_content_and_by_suffix(tmp_path: Path, suffix: str, name: str):
    path, plain = tmp_path / f"a{suffix}", tmp_path / "plain"
    Image.new("RGB", (20, 30)).save(path)
    plain.write_bytes(path.read_bytes())

    assert format_of(plain, read_head(plain)) == name
    assert is_picture(plain)
    path.write_bytes(b"broken")
    assert is_picture(path)


@pytest.mark.parametrize(
    "content",
    [
        b"RIFF\0\0\0\0WAVEfmt ",
        b"BMW, Audi, VW\n" * 20,
        b"\x89HDF\r\n\x1a\n",
        b"fLaC",
        b"id,pixel\n",
        b"",
    ],
)
def test_other_files_are_no_pictures(tmp_path: Path, content: bytes):
    (tmp_path / "a.dat").write_bytes(content)

    assert not is_picture(tmp_path / "a.dat")


def test_arrays_and_scans_are_no_pictures_of_every_program(tmp_path: Path):
    np.save(tmp_path / "a.npy", np.zeros((3, 3)))
    Image.new("L", (9, 9)).save(tmp_path / "a.tif")
    (tmp_path / "a.dcm").write_bytes(bytes(128) + b"DICM")
    names = {"a.npy": "NPY", "a.tif": "TIFF", "a.dcm": "DICOM"}

    for name, expected in names.items():
        head = read_head(tmp_path / name)
        assert len(head) == HEAD_BYTES
        assert format_of(Path("x"), head) == expected
        assert not is_picture(tmp_path / name)
    assert format_of(Path("x.dcm"), b"anything") == "DICOM"
    assert format_of(Path("x.png"), b"anything") is None


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(DataError, match=r"cannot read the image .*a: No such file"):
        read_head(tmp_path / "a")
