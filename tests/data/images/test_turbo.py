"""JPEGs by libjpeg-turbo alone are those of Pillow, and so are the files that are refused."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from comp.data.images import raw, turbo
from comp.data.images.raw import RawImage, read_raw
from comp.errors import DataError

pytest.importorskip("simplejpeg")

KINDS: dict[str, dict[str, Any]] = {
    "4:2:0": {},
    "4:2:2": {"subsampling": 1},
    "4:4:4": {"subsampling": 0},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_blocks": 3},
    "RGB inside": {"keep_rgb": True},
}


def photo(mode: str = "RGB", size: tuple[int, int] = (83, 61)) -> Image.Image:
    coarse = np.random.default_rng(0).integers(0, 256, (9, 11, 3), np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).convert(mode)


def encoded(image: Image.Image, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "JPEG", **({"quality": 85} | options))
    return stream.getvalue()


def read(path: Path, data: bytes, *how: Any) -> RawImage | None:
    path.write_bytes(data)
    try:
        return read_raw(path, *how)
    except DataError:
        return None


@pytest.fixture
def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """What the decoder and what Pillow alone make of a file, and how often the decoder was used."""
    made: list[bool] = []

    def counted(*args: Any) -> np.ndarray | None:
        values = turbo.decode_turbo(*args)
        made.append(values is not None)
        return values

    def make(data: bytes, *how: Any) -> tuple[RawImage | None, RawImage | None, list[bool]]:
        made.clear()
        monkeypatch.setattr(raw, "decode_turbo", counted)
        fast = read(tmp_path / "a.jpg", data, *how)
        monkeypatch.setattr(raw, "decode_turbo", lambda *_: None)
        return fast, read(tmp_path / "a.jpg", data, *how), list(made)

    return make


def same(fast: RawImage | None, slow: RawImage | None) -> bool:
    if fast is None or slow is None:
        return fast is slow
    assert fast.values.flags.writeable
    assert fast.values.flags.c_contiguous
    return fast.values.dtype == slow.values.dtype and np.array_equal(fast.values, slow.values)


@pytest.mark.parametrize("how", [(), ("L",), (None, 30), ("L", 12), (None, 5)], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_pixels_are_those_of_pillow(kind: str, how: tuple[Any, ...], both: Any) -> None:
    fast, slow, used = both(encoded(photo(), **KINDS[kind]), *how)
    assert same(fast, slow)
    assert used == [True]


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_are_turned_upright(orientation: int, mode: str, both: Any) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    fast, slow, used = both(encoded(photo(mode), exif=exif.tobytes()))
    assert same(fast, slow)
    assert used == [True]
    assert fast.values.shape[:2] == ((61, 83) if orientation < 5 else (83, 61))


def test_cmyk_is_left_to_pillow(both: Any) -> None:
    fast, slow, used = both(encoded(photo("CMYK")))
    assert same(fast, slow)
    assert used == [False]


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files_are_refused_or_read_alike(kind: str, both: Any) -> None:
    data, generator = encoded(photo(), **KINDS[kind]), np.random.default_rng(1)
    refused = 0
    for trial in range(60):
        damaged = bytearray(data)
        place = int(generator.integers(len(data) // 4, len(data) - 40))
        if trial % 3 == 0:
            damaged[place] = int(generator.integers(256))
        elif trial % 3 == 1:
            del damaged[place : place + int(generator.integers(1, 30))]
        else:
            del damaged[place:]
            damaged += b"\xff\xd9" * bool(trial % 2)
        fast, slow, _ = both(bytes(damaged))
        assert same(fast, slow)
        refused += slow is None
    assert refused >= 5


def test_without_the_package_pillow_decodes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turbo, "_decoder", lambda: None)
    assert turbo.decode_turbo(encoded(photo()), "RGB", (83, 61)) is None


@pytest.mark.parametrize("side", [1, 4, 7, 8, 9])
def test_tiny_images_are_those_of_pillow(both: Callable[..., Any], side: int) -> None:
    ours, pillow, _ = both(encoded(photo(size=(side, side))))
    assert ours is not None
    assert pillow is not None
    np.testing.assert_array_equal(ours.values, pillow.values)
