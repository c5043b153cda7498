"""The images of a run before it trains, and the reader that it gets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from comp.config.schema import resolve
from comp.contract.competition import ImageSpec, Sample
from comp.data.images.cache import ImageReader, PreparedImages
from comp.data.images.decode import read_item
from comp.data.images.prepare import make_reader, prepare_images, without_skipped
from comp.errors import DataError
from competitions.denoising import COMPETITION as DENOISING

GREY = np.zeros((4, 4, 1), dtype=np.uint8)
PLAIN = replace(DENOISING, reader=None)
RESIZED = replace(PLAIN, image_spec=lambda _config: ImageSpec(size=16))


def samples(folder: Path, bad: bool = False) -> list[Sample]:
    found = []
    for name in ("a", "b", "c"):
        path = folder / f"{name}.png"
        Image.new("L", (20, 30), 100).save(path)
        found.append(Sample(id=name, image=path, target=1.0))
    if bad:
        found[1].image.write_bytes(b"no image")
    return found


def silent(_done: int, _total: int) -> None:
    """Hear nothing."""


def test_images_of_a_shape_are_cached_and_read_from_there(tmp_path: Path) -> None:
    found, config = samples(tmp_path), resolve("x", [])
    calls: list[tuple[int, int]] = []
    prepared = prepare_images(
        RESIZED, config, found, tmp_path / "caches", lambda *done: calls.append(done)
    )
    assert prepared.cache is not None
    assert calls[-1] == (3, 3)
    prepared.write_pointer(tmp_path / "kept")
    assert PreparedImages.read_pointer(tmp_path / "kept") == prepared

    reader = make_reader(RESIZED, found, config, tmp_path / "kept")
    assert isinstance(reader, ImageReader)
    assert reader(found[0])["image"].shape == (16, 16, 3)


def test_no_cache_where_none_is_wanted(tmp_path: Path) -> None:
    found, caches = samples(tmp_path), tmp_path / "caches"
    off = resolve("x", [{"image": {"cache": False}}])
    assert prepare_images(RESIZED, off, found, caches, silent) == PreparedImages()
    assert prepare_images(PLAIN, resolve("x", []), found, caches, silent) == PreparedImages()
    assert not caches.exists()
    assert make_reader(RESIZED, found, off, tmp_path)(found[0])["image"].shape == (16, 16, 3)


@pytest.mark.parametrize("competition", [RESIZED, PLAIN])
def test_a_bad_image_is_left_out_on_demand(tmp_path: Path, competition: object) -> None:
    found, config = samples(tmp_path, bad=True), resolve("x", [])
    prepared = prepare_images(competition, config, found, tmp_path / "c", silent, skip_bad=True)  # type: ignore[arg-type]
    assert list(prepared.skipped) == [str(found[1].image)]
    assert [sample.id for sample in without_skipped(found, prepared.skipped)] == ["a", "c"]


def test_a_bad_image_is_named(tmp_path: Path) -> None:
    found = samples(tmp_path, bad=True)
    with pytest.raises(DataError, match=r"b\.png.*--skip-bad"):
        prepare_images(RESIZED, resolve("x", []), found, tmp_path / "c", silent)


def test_reader_of_prefers_the_competition_own(tmp_path: Path):
    given = []

    def own(samples, config, folder):
        given.append((samples, config, folder))
        return lambda sample: {"image": GREY}

    samples = [Sample(id="a", image=tmp_path / "a.png")]
    config = resolve("x", [])

    reader = make_reader(replace(DENOISING, reader=own), samples, config, tmp_path)

    np.testing.assert_array_equal(reader(samples[0])["image"], GREY)
    assert given == [(samples, config, tmp_path)]
    assert make_reader(PLAIN, samples, config, tmp_path) is read_item
