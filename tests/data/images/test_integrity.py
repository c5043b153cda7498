"""Whether an image file is complete, found once for each PNG."""

from __future__ import annotations

import io
import zlib

import numpy as np
import pytest
from PIL import Image

from comp.data.images import integrity
from comp.data.images.integrity import is_complete


def png(seed: int, **more: object) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (31, 17, 3), np.uint8)
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "PNG", **more)
    return data.getvalue()


def with_stream(data: bytes, stream: bytes) -> bytes:
    """A PNG with another pixel stream and right checksums."""
    body = b"IDAT" + stream
    chunk = len(stream).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
    return data[:33] + chunk + data[-12:]


@pytest.fixture
def inflated(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts the pixel streams that are inflated from now on."""
    real, found = zlib.decompressobj, []
    monkeypatch.setattr(integrity, "_whole", set())
    monkeypatch.setattr(zlib, "decompressobj", lambda: found.append(1) or real())
    return found


def test_a_png_is_inflated_once(inflated: list[int]) -> None:
    images = [png(seed) for seed in (1, 2)]
    for _ in range(3):
        assert all(is_complete("PNG", data) for data in images)
    assert len(inflated) == 2


def test_damage_of_a_known_png_is_seen(inflated: list[int]) -> None:
    data = png(3)
    assert is_complete("PNG", data)
    for place in (20, 60, len(data) // 2, len(data) - 5):
        damaged = bytearray(data)
        damaged[place] ^= 1
        assert not is_complete("PNG", bytes(damaged))
    for end in (40, len(data) // 2, len(data) - 12, len(data) - 1):
        assert not is_complete("PNG", data[:end])
    assert len(inflated) == 1


def test_a_stream_that_is_too_short_is_refused_each_time(inflated: list[int]) -> None:
    rows = 31 * (1 + 3 * 17)
    short = with_stream(png(4), zlib.compress(bytes(rows - 1)))
    for _ in range(2):
        assert not is_complete("PNG", short)
    assert is_complete("PNG", with_stream(png(4), zlib.compress(bytes(rows))))
    assert not is_complete("PNG", with_stream(png(4), zlib.compress(bytes(rows))[:-1]))
    assert len(inflated) == 4


def test_the_known_images_take_little_memory(
    inflated: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(integrity, "_MOST_KNOWN", 1)
    for seed in (5, 6, 5, 6):
        assert is_complete("PNG", png(seed))
    assert len(inflated) == 3
