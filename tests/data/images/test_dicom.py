"""DICOM images."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from comp.data.images.decode import read_gray, read_rgb
from comp.data.images.dicom import read_dicom
from comp.data.images.find_range import find_value_range
from comp.data.images.raw import Window, read_raw
from comp.data.images.values import ValueRange
from comp.errors import DataError

pydicom = pytest.importorskip("pydicom")

STORED = np.uint16([[0, 1000, 2000], [3000, 4000, 4095]])


def dicom(path: Path, values: np.ndarray = STORED, *, mark: bool = True, **tags: object) -> Path:
    """A DICOM file without compression; `tags` are further attributes."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128 if mark else None)
    image.SOPClassUID, image.SOPInstanceUID = (
        meta.MediaStorageSOPClassUID,
        meta.MediaStorageSOPInstanceUID,
    )
    colour = values.ndim == 3
    image.Rows, image.Columns = values.shape[:2]
    image.SamplesPerPixel = 3 if colour else 1
    image.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        image.PlanarConfiguration = 0
    image.BitsAllocated = image.BitsStored = 8 * values.itemsize
    if values.dtype == np.uint16:
        image.BitsStored = 12
    image.HighBit = image.BitsStored - 1
    image.PixelRepresentation = int(values.dtype.kind == "i")
    image.PixelData = values.tobytes()
    for name, value in tags.items():
        setattr(image, name, value)
    image.save_as(path, enforce_file_format=mark)
    return path


def test_12_bits_have_the_range_of_the_data(tmp_path: Path):
    path = dicom(tmp_path / "a.dcm")
    known = find_value_range([str(path)], None)

    assert known.bounds == {"uint16": (0, 4095)}
    np.testing.assert_array_equal(read_gray(path, known), STORED >> 4)
    assert read_rgb(path, known).shape == (2, 3, 3)


def test_monochrome1_is_a_negative(tmp_path: Path):
    path = dicom(tmp_path / "a.dcm", PhotometricInterpretation="MONOCHROME1")
    known = ValueRange({"uint16": (0.0, 4095.0)})

    np.testing.assert_array_equal(read_gray(path, known), 255 - (STORED >> 4))


def test_values_are_rescaled(tmp_path: Path):
    whole = read_raw(dicom(tmp_path / "a.dcm", RescaleSlope=2, RescaleIntercept=-1024))
    broken = read_raw(dicom(tmp_path / "b.dcm", RescaleSlope=0.5, RescaleIntercept=0))

    assert (whole.values.dtype, broken.values.dtype) == (np.int32, np.float32)
    np.testing.assert_array_equal(whole.values, STORED.astype(int) * 2 - 1024)
    np.testing.assert_array_equal(broken.values, STORED * 0.5)


def test_signed_values_are_signed(tmp_path: Path):
    values = np.int16([[-1000, 0, 400]])

    np.testing.assert_array_equal(read_raw(dicom(tmp_path / "a.dcm", values)).values, values)


@pytest.mark.parametrize("several", [False, True])
def test_the_window_of_a_file_is_used_unless_a_range_is_set(tmp_path: Path, several: bool):
    center, width = ([2000, 40], [2000, 400]) if several else (2000, 2000)
    path = dicom(tmp_path / "a.dcm", WindowCenter=center, WindowWidth=width)

    assert read_raw(path).window == Window(2000, 2000)
    found = find_value_range([str(path)], None)
    np.testing.assert_array_equal(read_gray(path, found), [[0, 0, 128], [255, 255, 255]])
    assert found.sentence == "1 DICOM images use the window of their file"
    fixed = find_value_range([str(path)], [0, 4095])
    np.testing.assert_array_equal(read_gray(path, fixed), STORED >> 4)


def test_colours_are_read_as_they_are(tmp_path: Path):
    colour = np.random.default_rng(0).integers(0, 256, (4, 5, 3), np.uint8)

    np.testing.assert_array_equal(read_rgb(dicom(tmp_path / "a.dcm", colour)), colour)


def test_the_suffix_decides_where_the_mark_is_missing(tmp_path: Path):
    path = dicom(tmp_path / "a.png")
    assert path.read_bytes()[128:132] == b"DICM"
    assert read_raw(path).values.shape == (2, 3)
    (tmp_path / "b.dcm").write_bytes(path.read_bytes()[132:])
    assert read_raw(tmp_path / "b.dcm").values.shape == (2, 3)


def test_several_frames_are_refused(tmp_path: Path):
    path = dicom(tmp_path / "a.dcm", NumberOfFrames=2, PixelData=STORED.tobytes() * 2)

    with pytest.raises(DataError, match=r"a\.dcm is a DICOM file with 2 frames: save each"):
        read_raw(path)


@pytest.mark.parametrize("content", [b"", b"no image", bytes(128) + b"DICM"])
def test_what_is_no_image_is_refused(tmp_path: Path, content: bytes):
    (tmp_path / "a.dcm").write_bytes(content)

    with pytest.raises(DataError, match=rf"a\.dcm is not a readable image \({len(content)} bytes"):
        read_raw(tmp_path / "a.dcm")


def test_a_cut_file_is_refused(tmp_path: Path):
    path = dicom(tmp_path / "a.dcm")
    path.write_bytes(path.read_bytes()[:-6])

    with pytest.raises(DataError, match=r"a\.dcm"):
        read_raw(path)


def test_without_pydicom_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "pydicom", None)

    with pytest.raises(DataError) as caught:
        read_dicom(tmp_path / "a.dcm", b"")

    assert str(caught.value) == (
        f"{tmp_path / 'a.dcm'} is a DICOM file, and pydicom is not installed: pip install "
        "comp[dicom]"
    )
