"""Images looked at one by one: every fault planted in a file of its own."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from comp.data.audit.inspection import (
    Inspection,
    image_findings,
    inspect_image,
    inspect_images,
    range_findings,
)
from comp.data.audit.same_bytes import inspect_bytes
from comp.data.images.decode import read_rgb
from comp.data.images.values import ValueRange
from comp.errors import DataError


def picture(height: int = 48, width: int = 64) -> np.ndarray:
    """Soft colours with some grain: uint8 (height, width, 3)."""
    rng = np.random.default_rng(7)
    coarse = rng.integers(0, 256, (6, 8, 3)).astype(np.uint8)
    fine = cv2.resize(coarse, (width, height)).astype(int) + rng.integers(
        -9, 10, (height, width, 3)
    )
    return np.asarray(fine.clip(0, 255), dtype=np.uint8)


def saved(path: Path, image: Image.Image | None = None, **options: object) -> Path:
    (image or Image.fromarray(picture())).save(path, **options)  # type: ignore[arg-type]
    return path


def grey() -> Image.Image:
    return Image.fromarray(picture()).convert("L")


def exif(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[274] = orientation
    return tags


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.JPEG", "a.bmp", "a.tif", "a.webp"])
def test_sound_images_are_not_odd(tmp_path: Path, name: str) -> None:
    look = inspect_image(saved(tmp_path / name))
    assert (look.kinds, look.reason, look.size) == ((), "", (48, 64))
    assert look.signature is not None
    assert inspect_image(saved(tmp_path / f"grey-{name}", grey())).kinds == ()


MAKERS: dict[str, Callable[[Path], Path]] = {
    "palette": lambda p: saved(p / "a.png", Image.fromarray(picture()).quantize(16)),
    "alpha": lambda p: saved(p / "a.png", Image.fromarray(picture()).convert("RGBA")),
    "cmyk": lambda p: saved(p / "a.jpg", Image.fromarray(picture()).convert("CMYK")),
    "1-bit": lambda p: saved(p / "a.png", grey().convert("1")),
    "suffix": lambda p: saved(p / "a.png", format="JPEG"),
    "rotation": lambda p: saved(p / "a.jpg", exif=exif(6)),
    "blank": lambda p: saved(p / "a.png", Image.new("L", (64, 48), 255)),
    "animated": lambda p: saved(
        p / "a.webp", save_all=True, append_images=[Image.new("RGB", (64, 48))], duration=100
    ),
    "16-bit": lambda p: saved(
        p / "a.png", Image.fromarray(np.asarray(grey()).astype(np.uint16) * 257)
    ),
    "unreadable": lambda p: written(p / "a.png", b"no image at all"),
    "truncated": lambda p: written(p / "a.jpg", saved(p / "b.jpg").read_bytes()[:900]),
    "damaged": lambda p: written(p / "a.png", flipped(saved(p / "b.png").read_bytes())),
}


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def flipped(data: bytes) -> bytes:
    """One bit turned in the middle."""
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 16]) + data[middle + 1 :]


@pytest.mark.parametrize("kind", sorted(MAKERS))
def test_each_oddity_is_found_and_nothing_else(tmp_path: Path, kind: str) -> None:
    assert inspect_image(MAKERS[kind](tmp_path)).kinds == (kind,)


def test_colour_of_16_bits_is_found(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), picture().astype(np.uint16) * 257)
    assert inspect_image(tmp_path / "a.png").kinds == ("16-bit",)


def test_float_values_outside_8_bits_are_deep(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.tif"), picture()[..., 0].astype(np.float32) / 255)
    look = inspect_image(tmp_path / "a.tif")
    assert look.kinds == ("16-bit",)
    assert look.signature is not None


@pytest.mark.parametrize("size", [(1, 1), (20_000, 1), (1, 300), (64, 7)])
def test_extreme_sizes_are_found(tmp_path: Path, size: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, size[::-1], dtype=np.uint8)
    look = inspect_image(saved(tmp_path / "a.png", Image.fromarray(noise)))
    assert "extreme-size" in look.kinds
    assert look.size == size[::-1]
    assert not look.reason


def test_an_image_of_too_many_pixels_is_not_decoded(tmp_path: Path) -> None:
    saved(tmp_path / "a.png", Image.new("1", (20_000, 20_000)))
    (look,) = inspect_images([tmp_path / "a.png"])
    assert look.kinds == ("refused",)
    assert (look.size, look.signature) == (None, None)
    assert "20000 x 20000 pixels" in look.reason


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".webp", ".tif"])
def test_a_file_cut_anywhere_is_found(tmp_path: Path, suffix: str) -> None:
    data = saved(tmp_path / f"whole{suffix}").read_bytes()
    for tenth in range(1, 10):
        path = written(tmp_path / f"{tenth}{suffix}", data[: len(data) * tenth // 10])
        assert {"unreadable", "truncated", "damaged"} & set(inspect_image(path).kinds), tenth


def test_a_file_that_lacks_its_end_alone_is_truncated(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.jpg")
    path.write_bytes(path.read_bytes()[:-2])
    assert inspect_image(path).kinds == ("truncated",)


def test_what_a_run_refuses_is_found_with_its_reason(tmp_path: Path) -> None:
    Image.fromarray(np.full((48, 64), np.nan, np.float32)).save(tmp_path / "a.tif")
    look = inspect_image(tmp_path / "a.tif")
    assert look.kinds == ("refused",)
    assert "values that are not finite" in look.reason
    saved(tmp_path / "a.png", format="PPM")
    assert inspect_image(tmp_path / "a.png").kinds == ("refused",)


def test_empty_and_missing_files_have_no_digest(tmp_path: Path) -> None:
    empty = written(tmp_path / "a.png", b"")
    assert inspect_image(empty) == Inspection(path=empty)
    assert inspect_image(tmp_path / "b.png") == Inspection(path=tmp_path / "b.png")


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="no file whose reading fails")
def test_a_file_whose_reading_fails_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "a.png").symlink_to("/proc/self/mem")
    (look,) = inspect_images([tmp_path / "a.png"])
    assert (look.kinds, look.reason, look.digest) == (("unreadable",), "Input/output error", "")
    (bad,) = image_findings([look], lambda path: path.name)
    assert (bad.severity, bad.names) == ("error", ("a.png (Input/output error)",))


@pytest.mark.parametrize("inspect", [inspect_images, inspect_bytes])
def test_a_file_of_too_many_bytes_is_refused_unread(tmp_path: Path, inspect: Any) -> None:
    with (tmp_path / "a.png").open("wb") as stream:
        stream.truncate(100 * 2**30)
    (look,) = inspect([tmp_path / "a.png"])
    assert look.kinds == ("refused",)
    assert look.reason == "107,374,182,400 bytes, more than 1,073,741,824"
    with pytest.raises(DataError, match="107,374,182,400 bytes, more than"):
        read_rgb(tmp_path / "a.png")


def test_the_digest_is_of_the_pixels_as_a_run_reads_them(tmp_path: Path) -> None:
    one = inspect_image(saved(tmp_path / "a.png"))
    assert inspect_image(saved(tmp_path / "a.bmp")).digest == one.digest
    colour_of_grey = inspect_image(saved(tmp_path / "b.png", grey().convert("RGB")))
    assert (
        inspect_image(saved(tmp_path / "c.bmp", grey())).digest
        == colour_of_grey.digest
        != one.digest
    )
    turned = inspect_image(saved(tmp_path / "d.jpg", exif=exif(6)))
    assert turned.size == read_rgb(tmp_path / "d.jpg").shape[:2] == (64, 48)
    other_shape = Image.fromarray(picture().reshape(64, 48, 3))
    assert inspect_image(saved(tmp_path / "e.png", other_shape)).digest != one.digest


def test_transparency_is_laid_on_white(tmp_path: Path) -> None:
    clear = Image.new("RGBA", (64, 48), (0, 0, 0, 0))
    white = inspect_image(saved(tmp_path / "b.png", Image.new("L", (64, 48), 255)))
    assert inspect_image(saved(tmp_path / "a.png", clear)).digest == white.digest


def test_looks_stand_in_the_order_of_the_paths_and_are_counted(tmp_path: Path) -> None:
    paths = [saved(tmp_path / f"{i}.png", Image.fromarray(picture(20 + i, 30))) for i in range(40)]
    told: list[tuple[int, int]] = []
    inspections = inspect_images(paths, lambda done, total: told.append((done, total)))
    assert [look.path for look in inspections] == paths
    assert [look.size for look in inspections] == [(20 + i, 30) for i in range(40)]
    assert told == [(i + 1, 40) for i in range(40)]


def test_pillows_own_limit_is_left_as_it_was(tmp_path: Path) -> None:
    before = Image.MAX_IMAGE_PIXELS
    inspect_images([saved(tmp_path / "a.png")])
    assert before == Image.MAX_IMAGE_PIXELS


def test_damaged_metadata_does_not_stop_it(tmp_path: Path) -> None:
    stream = io.BytesIO()
    Image.fromarray(picture()).save(stream, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert inspect_images([written(tmp_path / "a.jpg", stream.getvalue())])[0].reason == ""


def test_a_reason_stands_under_the_kind_that_it_belongs_to_alone(tmp_path: Path) -> None:
    for name in ("a.jpeg", "b.jpeg"):
        saved(tmp_path / name, format="JPEG2000" if name == "a.jpeg" else "PNG")
    refused, misnamed = image_findings(
        [inspect_image(tmp_path / name) for name in ("a.jpeg", "b.jpeg")], lambda path: path.name
    )
    assert (refused.kind, misnamed.kind) == ("refused", "suffix")
    assert "is not a readable image" in refused.names[0]
    assert misnamed.names == ("b.jpeg",)


def test_findings_name_the_images_and_the_reason(tmp_path: Path) -> None:
    inspections = [inspect_image(MAKERS[kind](tmp_path)) for kind in ("unreadable", "cmyk")]
    bad, odd = image_findings(inspections, lambda path: path.name)
    assert (bad.kind, bad.severity, bad.count) == ("unreadable", "error", 1)
    assert bad.names[0].startswith("a.png (15 bytes)")
    assert (odd.kind, odd.severity, odd.names) == ("cmyk", "warning", ("a.jpg",))
    assert bad.advice
    assert odd.advice


def test_12_bit_images_are_looked_at_in_the_range_of_the_data(tmp_path: Path) -> None:
    values = np.asarray(grey()).astype(np.uint16) * 16
    path = saved(tmp_path / "a.png", Image.fromarray(values))
    known = ValueRange({"uint16": (0.0, 4095.0)})
    deep = inspect_image(path, value_range=known)
    assert deep.kinds == ("16-bit",)
    assert deep.digest == inspect_image(saved(tmp_path / "b.png", grey())).digest


def test_arrays_and_bands_are_images(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", picture())
    np.save(tmp_path / "b.npy", np.dstack([picture(), picture()]))
    np.save(tmp_path / "c.npy", picture()[..., 0].astype(np.float32) * 9)
    three, six, deep = inspect_images([tmp_path / f"{name}.npy" for name in "abc"])
    assert (three.kinds, three.mode, three.size) == ((), "NPY", (48, 64))
    assert three.digest == inspect_image(saved(tmp_path / "d.png")).digest
    assert (six.kinds, six.size) == ((), (48, 64))
    assert deep.kinds == ("16-bit",)


def test_arrays_that_a_run_does_not_read_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((5, 64, 64)))
    (tmp_path / "b.npy").write_bytes(b"\x93NUMPY and no more")
    first, second = inspect_images([tmp_path / "a.npy", tmp_path / "b.npy"])
    assert first.kinds == ("refused",)
    assert "channels first" in first.reason
    assert second.kinds == ("damaged",)


def test_files_of_an_own_reader_are_counted_and_not_judged(tmp_path: Path) -> None:
    sound = written(tmp_path / "a.wav", b"RIFF....WAVEfmt ")
    np.save(tmp_path / "b.npy", np.zeros((7, 5, 5, 5)))
    table = written(tmp_path / "c.csv", b"id,pixel\n")
    broken = written(tmp_path / "d.png", b"no image at all")
    paths = [sound, tmp_path / "b.npy", table, broken, saved(tmp_path / "e.png")]
    inspections = inspect_images(paths, own_reader=True)
    kinds = [i.kinds for i in inspections]
    assert kinds == [("other-format",)] * 3 + [("unreadable",), ()]
    note = image_findings(inspections, lambda path: path.name)[-1]
    assert (note.kind, note.severity, note.count) == ("other-format", "note", 3)
    assert note.names == ("a.wav", "b.npy", "c.csv")
    assert inspect_images([sound])[0].kinds == ("unreadable",)


def test_the_range_of_values_is_a_note() -> None:
    assert range_findings(None) == range_findings(ValueRange({})) == []
    (note,) = range_findings(ValueRange({}, sentence="images have 12-bit values"))
    assert (note.severity, note.names) == ("note", ("images have 12-bit values",))
