"""Whole images and masks that are decoded once."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from comp.config.schema import resolve
from comp.contract.sample import Reader, Sample
from comp.data.images import page_cache, pages
from comp.data.images.file_table import FOLDER
from comp.data.images.items import MaskedReader
from comp.data.images.page_cache import build_pages, decoders_of, reads_pages, with_pages
from comp.data.images.pages import Pages
from comp.data.images.pairs import PairReader
from comp.data.images.prepare import make_reader, prepare_images
from comp.data.images.prepared import PreparedImages
from comp.data.images.values import ValueRange
from comp.data.rle_masks import RleMaskReader
from comp.errors import DataError
from comp.submission.rle import RleFormat
from comp.tasks.segmenter import segmenter

ROOMY = 10**9


def pairs(folder: Path, count: int = 3, deep: bool = False) -> list[Sample]:
    """Images of different sizes with masks; the last has no mask."""
    rng = np.random.default_rng(0)
    found = []
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    for i in range(count):
        shape = (20 + i, 31 + 2 * i)
        image, mask = folder / "images" / f"{i}.png", folder / "masks" / f"{i}.png"
        Image.fromarray(rng.integers(0, 256, (*shape, 3), np.uint8)).save(image)
        if i + 1 < count:
            values = rng.integers(0, 2, shape).astype(np.uint16 if deep else np.uint8)
            Image.fromarray(values * (1000 if deep else 1)).save(mask)
        target = mask if i + 1 < count else None
        found.append(Sample(id=str(i), image=image, target=target))
    return found


def cached(reader: Reader, samples: Sequence[Sample], root: Path) -> Reader:
    """The reader of a run whose pages were cached."""
    found = build_pages(samples, reader, root / "caches", limit_bytes=ROOMY, root=root)
    assert found
    assert (found.reason, found.left_out) == ("", frozenset())
    PreparedImages(pages=found.pages, root=root).write_pointer(root)
    return with_pages(reader, samples, root, root)


RLE = RleMaskReader(
    cells={"0": ["1 3"], "1": [None]}, labels=("a",), form=RleFormat(), value_range=None
)


@pytest.mark.parametrize(
    "reader",
    [PairReader(1), PairReader(3), MaskedReader(), RLE],
    ids=["grey", "pair", "mask", "rle"],
)
@pytest.mark.parametrize("copied", [0, 1 << 18])
@pytest.mark.parametrize("deep", [False, True])
def test_cached_pages_are_those_of_the_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: Reader, copied: int, deep: bool
) -> None:
    monkeypatch.setattr(pages, "COPIED", copied)
    samples = pairs(tmp_path, deep=deep)
    if deep and isinstance(reader, PairReader):
        reader = replace(reader, value_range=ValueRange({"uint16": (0, 1023)}))
    fast = cached(reader, samples, tmp_path)
    assert fast != reader
    expected = [reader(sample) for sample in samples]
    alone = [reader.target_alone(sample) for sample in samples]
    kept = tmp_path / "kept"
    for name in ("images", "masks"):
        shutil.move(tmp_path / name, kept / name)
    for folder in (kept / "images", kept / "masks"):  # RLE reads the size of an image
        if isinstance(reader, RleMaskReader):
            shutil.copytree(folder, tmp_path / folder.name)

    for sample, item, target in zip(samples, expected, alone, strict=True):
        found = fast(sample)
        assert list(found) == list(item)
        for name, values in item.items():
            assert found[name].dtype == values.dtype
            np.testing.assert_array_equal(found[name], values)
            found[name][:] = 7  # a change stays with this item
            np.testing.assert_array_equal(fast(sample)[name], values)
        assert fast.target_alone(sample).keys() == target.keys()


def test_a_crop_of_a_page_reads_a_part_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "COPIED", 0)
    samples = pairs(tmp_path)
    image = cached(MaskedReader(), samples, tmp_path)(samples[0])["image"]
    assert isinstance(image.base, np.memmap)
    assert type(image) is np.ndarray


def test_the_second_run_decodes_nothing(tmp_path: Path) -> None:
    samples, calls = pairs(tmp_path), []
    for _ in range(2):
        found = build_pages(
            samples,
            MaskedReader(),
            tmp_path / "caches",
            limit_bytes=ROOMY,
            on_image=lambda *n: calls.append(n),
            root=tmp_path,
        )
        assert found
        assert found.pages
    assert calls == [(i, 5) for i in range(1, 6)]


def test_other_readers_have_other_caches(tmp_path: Path) -> None:
    samples, caches = pairs(tmp_path), tmp_path / "caches"
    readers = (PairReader(1), PairReader(3), MaskedReader(), MaskedReader(channels=3), RLE)
    made = [build_pages(samples, reader, caches, limit_bytes=ROOMY) for reader in readers]
    assert len({found.pages for found in made if found}) == 5
    assert decoders_of(lambda sample: {}) is None
    assert build_pages(samples, lambda sample: {}, caches) is None


def test_a_file_that_changed_is_read_itself(tmp_path: Path) -> None:
    samples = pairs(tmp_path)
    reader = MaskedReader()
    cached(reader, samples, tmp_path)
    Image.new("L", (31, 20)).save(samples[0].target)
    assert with_pages(reader, samples, tmp_path, tmp_path) == reader
    assert with_pages(reader, samples[1:], tmp_path, tmp_path) != reader
    assert with_pages(PairReader(3), samples[1:], tmp_path, tmp_path) == PairReader(3)


def test_a_cache_that_was_removed_is_done_without(tmp_path: Path) -> None:
    samples = pairs(tmp_path)
    fast = cached(MaskedReader(), samples, tmp_path)
    shutil.rmtree(tmp_path / "caches")
    np.testing.assert_array_equal(fast(samples[0])["image"], MaskedReader()(samples[0])["image"])


def test_a_file_with_two_roles_is_not_cached(tmp_path: Path) -> None:
    samples = pairs(tmp_path)
    samples[0] = replace(samples[0], target=samples[0].image)
    found = build_pages(samples, MaskedReader(), tmp_path / "caches", limit_bytes=ROOMY)
    assert found
    assert found.left_out == {str(samples[0].image)}


def test_without_room_the_reason_is_told(tmp_path: Path) -> None:
    found = build_pages(pairs(tmp_path), MaskedReader(), tmp_path / "caches", limit_bytes=10)
    assert found
    assert found.pages is None
    assert found.reason.endswith("so each is decoded in each epoch: set image.cache_gb")


CELLS = segmenter(name="cells", title="C", kaggle="competitions/c", classes=("cell",))


def test_a_segmenter_reads_its_cached_pages(tmp_path: Path) -> None:
    samples = pairs(tmp_path / "data")
    config = resolve("cells", [CELLS.defaults])
    caches, kept = tmp_path / "caches", tmp_path / "kept"

    def prepare(**more: object) -> PreparedImages:
        return prepare_images(CELLS, config, samples, caches, None, root=tmp_path / "data", **more)

    prepared = prepare()
    assert prepared.pages
    assert prepared.cache is None
    prepared.write_pointer(kept)
    assert PreparedImages.read_pointer(kept) == prepared
    reader = make_reader(CELLS, samples, config, kept)
    assert reader.pages == Pages(prepared.pages, tmp_path / "data")

    off = resolve("cells", [CELLS.defaults, {"image": {"cache": False}}])
    assert prepare_images(CELLS, off, samples, caches, None).pages is None
    tight = resolve("cells", [CELLS.defaults, {"image": {"cache_gb": 1e-7}}])
    samples[0].image.touch()
    (tmp_path / "data" / "more").mkdir()
    more = pairs(tmp_path / "data" / "more")
    found = prepare_images(CELLS, tight, more, caches, None)
    assert found.pages is None
    assert "into the 1e-07 GB for caches" in found.no_cache_reason
    assert reads_pages(CELLS)


def test_bad_pages_and_masks_are_named_each_time(tmp_path: Path) -> None:
    samples = pairs(tmp_path / "data")
    samples[0].target.write_bytes(b"no mask")
    config, caches = resolve("cells", [CELLS.defaults]), tmp_path / "caches"
    for _ in range(2):
        with pytest.raises(DataError, match=r"^1 of 3 images cannot be decoded.*masks/0\.png"):
            prepare_images(CELLS, config, samples, caches, None)
        prepared = prepare_images(CELLS, config, samples, caches, None, skip_bad=True)
        assert list(prepared.skipped) == [str(samples[0].image)]
        assert prepared.pages
    assert len([path for path in caches.iterdir() if path.name != FOLDER]) == 1
    assert page_cache.LONGEST > 2**20


def test_files_that_were_the_other_way_round_are_decoded_again(tmp_path: Path) -> None:
    """A plugin that took the masks for the images is corrected."""
    samples = pairs(tmp_path)[:2]
    turned = [Sample(id=s.id, image=s.target, target=s.image_file) for s in samples]
    wrong = build_pages(turned, MaskedReader(), tmp_path / "caches", root=tmp_path)
    right = build_pages(samples, MaskedReader(), tmp_path / "caches", root=tmp_path)
    assert wrong
    assert right
    assert wrong.pages != right.pages
    PreparedImages(pages=right.pages, root=tmp_path).write_pointer(tmp_path)
    fast = with_pages(MaskedReader(), samples, tmp_path, tmp_path)
    assert isinstance(fast, MaskedReader)
    assert fast.pages
    for sample in samples:
        for name, value in MaskedReader()(sample).items():
            np.testing.assert_array_equal(fast(sample)[name], value)
