"""The images of a run before it trains, and the reader that it gets."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from comp.config.schema import resolve
from comp.contract.competition import ImageSpec
from comp.contract.sample import Sample, read_target_alone
from comp.data import file_digests
from comp.data.fingerprint import fingerprint
from comp.data.images import cache_build, file_table, find_range
from comp.data.images.cache import ImageReader, image_reader
from comp.data.images.file_table import FOLDER
from comp.data.images.items import ItemReader, numbers_of
from comp.data.images.prepare import (
    data_range,
    make_reader,
    masked_reader,
    prepare_images,
    spec_of,
    without_skipped,
)
from comp.data.images.prepared import PreparedImages
from comp.data.images.values import ValueRange
from comp.errors import CompetitionError, ConfigError, DataError
from comp.workspace import Workspace
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
    assert make_reader(PLAIN, samples, config, tmp_path) == ItemReader()


def test_a_reader_that_changes_the_samples_is_refused(tmp_path: Path) -> None:
    def own(samples, config, folder):
        for sample in samples:
            sample.features["age"] /= 100
        return lambda sample: {"image": GREY}

    samples = [Sample(id="a", image=tmp_path / "a.png", features={"age": 30.0})]
    with pytest.raises(CompetitionError, match="the reader of denoising changes the features"):
        make_reader(replace(DENOISING, reader=own), samples, resolve("x", []), tmp_path)


def test_a_reader_that_changes_any_sample_is_refused(tmp_path: Path) -> None:
    """Such as one that fills gaps, of which the first samples have none."""

    def own(samples, config, folder):
        for sample in samples:
            if sample.features["age"] is None:
                sample.features["age"] = 30.0
        samples.reverse()  # the order is not compared
        return lambda sample: {"image": GREY}

    samples = [Sample(id=str(i), features={"age": float(i), "gap": float("nan")}) for i in range(9)]
    competition, config = replace(DENOISING, reader=own), resolve("x", [])
    make_reader(competition, [*samples] * 30, config, tmp_path)
    gap = Sample(id="gap", features={"age": None, "gap": float("nan")})
    with pytest.raises(CompetitionError, match="the reader of denoising changes the features"):
        make_reader(competition, [*[*samples] * 30, gap], config, tmp_path)


def test_what_a_reader_changes_in_the_features_while_it_reads_is_gone(tmp_path: Path) -> None:
    """It would pile up: divided by 100 in each epoch, and by each fold again."""

    class Own:
        def __init__(self, *_: Any) -> None:
            """Nothing is kept."""

        def __call__(self, sample: Sample) -> Any:
            sample.features["age"] /= 100  # type: ignore[index]
            return {"image": GREY, **numbers_of(sample)}

        target_alone = __call__

    sample = Sample(id="a", image=tmp_path / "a.png", features={"age": 30.0})
    reader: Any = make_reader(replace(DENOISING, reader=Own), [sample], resolve("x", []), tmp_path)
    for _ in range(2):
        assert reader(sample)["features"] == pytest.approx([0.3])
        assert read_target_alone(reader, sample)["features"] == pytest.approx([0.3])
    assert sample.features == {"age": 30.0}


def deep(folder: Path, high: int = 4095, target: int | None = None) -> list[Sample]:
    """Pictures of a soft gradient with values from 0 to `high`, in 16 bits."""
    found = []
    for name in ("a", "b"):
        values = np.linspace(0, high, 64 * 64).reshape(64, 64).astype(np.uint16)
        Image.fromarray(values).save(folder / f"{name}.png")
        label: Path | float = 1.0
        if target is not None:
            label = folder / f"{name}-target.png"
            Image.fromarray(np.full((64, 64), target, np.uint16)).save(label)
        found.append(Sample(id=name, image=folder / f"{name}.png", target=label))
    return found


SIXTY_FOUR = replace(PLAIN, image_spec=lambda _config: ImageSpec(size=64))


@pytest.mark.parametrize("competition", [SIXTY_FOUR, PLAIN], ids=["cached", "plain"])
@pytest.mark.parametrize("cache", [True, False])
def test_12_bit_images_keep_their_grey_levels(tmp_path: Path, competition, cache: bool) -> None:
    found, config = deep(tmp_path), resolve("x", [{"image": {"cache": cache}}])
    prepared = prepare_images(competition, config, found, tmp_path / "caches", silent)
    prepared.write_pointer(tmp_path / "kept")

    image = make_reader(competition, found, config, tmp_path / "kept")(found[0])["image"]

    assert len(np.unique(image)) >= 200
    assert image.max() == 255
    assert prepared.value_range.sentence == (
        "images have 12-bit values (0 to 4,095 of 65,535): 0 to 4,095 becomes 0..255"
    )
    assert PreparedImages.read_pointer(tmp_path / "kept").value_range == prepared.value_range


def test_float_images_beyond_1_are_not_white(tmp_path: Path) -> None:
    values = np.linspace(0, 3000, 64 * 64).reshape(64, 64).astype(np.float32)
    Image.fromarray(values).save(tmp_path / "a.tif")
    found, config = [Sample(id="a", image=tmp_path / "a.tif")], resolve("x", [])
    prepared = prepare_images(SIXTY_FOUR, config, found, tmp_path / "caches", silent)
    prepared.write_pointer(tmp_path / "kept")

    image = make_reader(SIXTY_FOUR, found, config, tmp_path / "kept")(found[0])["image"]

    assert len(np.unique(image)) >= 200
    assert 120 < image.mean() < 135


def test_images_that_are_not_finite_are_refused_before_training(tmp_path: Path) -> None:
    for name, value in (("a", 0.5), ("b", np.nan)):
        Image.fromarray(np.full((9, 9), value, np.float32)).save(tmp_path / f"{name}.tif")
    found = [Sample(id=name, image=tmp_path / f"{name}.tif") for name in ("a", "b")]
    config = resolve("x", [])

    for competition in (RESIZED, PLAIN):
        with pytest.raises(DataError, match=r"1 of 2 .*b\.tif contains values that are not finite"):
            prepare_images(competition, config, found, tmp_path / "caches", silent)
        prepared = prepare_images(competition, config, found, tmp_path / "c", silent, skip_bad=True)
        assert list(prepared.skipped) == [str(found[1].image)]


def test_the_cache_depends_on_the_range_of_deep_images_alone(tmp_path: Path) -> None:
    found, caches = deep(tmp_path), tmp_path / "caches"
    (tmp_path / "flat").mkdir()
    flat = samples(tmp_path / "flat")

    def cache(images: list[Sample], **image: object) -> Path | None:
        config = resolve("x", [{"image": image}])
        return prepare_images(RESIZED, config, images, caches, silent).cache

    assert cache(found) != cache(found, range=[0, 1000])
    assert cache(flat) == cache(flat, range=[0, 1000])


def test_a_prediction_has_the_range_of_its_run(tmp_path: Path) -> None:
    config, known = resolve("x", []), ValueRange({"uint16": (0.0, 65535.0)})
    found = deep(tmp_path, 4000)

    prepared = prepare_images(
        SIXTY_FOUR, config, found, tmp_path / "caches", silent, known_range=known
    )

    prepared.write_pointer(tmp_path / "kept")
    assert prepared.value_range == known
    image = make_reader(SIXTY_FOUR, found, config, tmp_path / "kept")(found[0])["image"]
    assert image.max() == 4000 >> 8


def test_target_pictures_share_the_range_and_label_images_do_not(tmp_path: Path) -> None:
    found, config = deep(tmp_path, 4000, target=60_000), resolve("x", [])
    masks = replace(PLAIN, reader=masked_reader, task=replace(PLAIN.task, restores=False))

    assert data_range(PLAIN, config, found).bounds == {"uint16": (0, 65535)}
    assert data_range(masks, config, found).bounds == {"uint16": (0, 4095)}
    prepare_images(masks, config, found, tmp_path, silent).write_pointer(tmp_path / "kept")
    item = make_reader(masks, found, config, tmp_path / "kept")(found[0])
    assert item["image"].max() == 4000 >> 4
    assert (item["target"].dtype, item["target"].max()) == (np.uint16, 60_000)


def test_an_image_of_other_channels_is_found_before_training(tmp_path: Path) -> None:
    found = samples(tmp_path)
    np.save(tmp_path / "d.npy", np.zeros((20, 30, 5), np.uint8))
    found.append(Sample(id="d", image=tmp_path / "d.npy", target=1.0))

    with pytest.raises(DataError, match=r"1 of 4 images .*d\.npy has 5 channels, and 3 are needed"):
        prepare_images(RESIZED, resolve("x", []), found, tmp_path / "caches", silent)


def test_images_of_bands_are_cached_and_read(tmp_path: Path) -> None:
    bands = replace(PLAIN, image_spec=lambda _config: ImageSpec(size=16, channels=5))
    np.save(tmp_path / "a.npy", np.arange(5, dtype=np.uint8) + np.zeros((20, 30, 1), np.uint8))
    found, config = [Sample(id="a", image=tmp_path / "a.npy")], resolve("x", [])

    prepare_images(bands, config, found, tmp_path / "c", silent).write_pointer(tmp_path / "kept")
    image = make_reader(bands, found, config, tmp_path / "kept")(found[0])["image"]

    assert image.shape == (16, 16, 5)
    assert (image == np.arange(5)).all()


def test_a_plugins_reader_finds_the_range_in_its_folder(tmp_path: Path) -> None:
    found, config, given = deep(tmp_path), resolve("x", []), []

    def own(samples, config, folder):
        given.append(PreparedImages.read_pointer(folder).value_range)
        return lambda sample: {"image": GREY}

    (tmp_path / "a.dat").write_bytes(b"")
    found.append(Sample(id="c", image=tmp_path / "a.dat"))
    prepared = prepare_images(replace(PLAIN, reader=own), config, found, tmp_path / "c", silent)

    assert given == [prepared.value_range]
    assert prepared.value_range.bounds == {"uint16": (0, 4095)}
    assert prepared.value_range.sentence.endswith("own reader may do otherwise")


def test_a_plugins_reader_may_read_any_type_of_values(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((9, 9), np.float32))
    found = [Sample(id="a", image=tmp_path / "a.npy")]
    own = replace(PLAIN, reader=lambda *_: lambda sample: {"image": GREY})
    known = ValueRange({"uint16": (0.0, 4095.0)})

    prepared = prepare_images(own, resolve("x", []), found, tmp_path, silent, known_range=known)

    assert prepared.value_range == known
    with pytest.raises(DataError, match="float values"):
        prepare_images(PLAIN, resolve("x", []), found, tmp_path, silent, known_range=known)


def test_images_are_equalised_before_they_are_resized(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    pixels = np.random.default_rng(0).integers(90, 130, (20, 30), np.uint8)
    Image.fromarray(pixels).save(path)
    found, caches = [Sample(id="a", image=path, target=1.0)], tmp_path / "caches"
    margins = ImageSpec(size=32, policy="letterbox", channels=1, interpolation="nearest")
    boxed = replace(PLAIN, image_spec=lambda _config: margins)
    kept = {}
    for how in ("none", "histogram"):
        config = resolve("x", [{"image": {"equalize": how}}])
        prepare_images(boxed, config, found, caches, None).write_pointer(tmp_path / how)
        reader = make_reader(boxed, found, config, tmp_path / how)
        assert PreparedImages.read_pointer(tmp_path / how).cache is not None
        kept[how] = reader(found[0])["image"]
        assert np.array_equal(
            kept[how],
            image_reader(found, spec_of(boxed.image_spec, config), tmp_path)(found[0])["image"],
        )

    assert len([path for path in caches.iterdir() if path.name != FOLDER]) == 2
    content = slice(6, 26)  # the margins above and below stay black
    assert kept["none"][content].min() >= 90
    assert not kept["histogram"][:4].any()
    assert np.ptp(kept["histogram"][content].astype(int)) == 255


def test_every_reader_equalises_its_images(tmp_path: Path) -> None:
    def own(_samples: object, _config: object, _folder: Path) -> Any:
        return lambda _sample: {"image": np.uint8([[[9], [10]]])}

    config = resolve("x", [{"image": {"equalize": "histogram"}}])
    reader = make_reader(replace(PLAIN, reader=own), [], config, tmp_path)
    assert reader(Sample(id="a", image=tmp_path))["image"].ravel().tolist() == [0, 255]
    found = samples(tmp_path)
    assert make_reader(PLAIN, found, config, tmp_path)(found[0])["image"].shape == (30, 20, 3)


def test_images_are_kept_as_jpeg_on_demand(tmp_path: Path) -> None:
    found, caches = samples(tmp_path), tmp_path / "caches"
    jpeg = resolve("x", [{"image": {"cache": "jpeg"}}])
    prepared = prepare_images(RESIZED, jpeg, found, caches, None)
    prepared.write_pointer(tmp_path / "kept")
    cached, direct = (
        make_reader(RESIZED, found, jpeg, folder)
        for folder in (tmp_path / "kept", tmp_path / "without")
    )
    assert cached.cache == prepared.cache
    assert direct.cache is None
    for sample in found:
        np.testing.assert_array_equal(cached(sample)["image"], direct(sample)["image"])
    raw = make_reader(RESIZED, found, resolve("x", []), tmp_path / "kept")
    assert raw.cache is None

    bands = replace(PLAIN, image_spec=lambda _config: ImageSpec(size=16, channels=5))
    with pytest.raises(ConfigError, match="keeps 1 or 3 channels, and the images have 5"):
        prepare_images(bands, jpeg, found, caches, None)


def test_the_limit_of_the_caches_is_a_key(tmp_path: Path) -> None:
    found, caches = samples(tmp_path), tmp_path / "caches"
    tight = resolve("x", [{"image": {"cache_gb": 1e-6}}])
    prepared = prepare_images(RESIZED, tight, found, caches, None)
    assert prepared.cache is None
    assert "do not fit into the 1e-06 GB for caches" in prepared.no_cache_reason
    assert prepare_images(RESIZED, resolve("x", []), found, caches, None).cache


def test_each_file_is_hashed_once_for_its_cache_and_for_the_fingerprint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (file_table, file_digests):
        monkeypatch.setattr(module, "SETTLED_NS", -(10**12))
    read: list[str] = []
    for module, name in (
        (cache_build, "file_digest"),
        (file_table, "file_digest"),
        (file_digests, "_all_bytes"),
    ):
        real = getattr(module, name)
        monkeypatch.setattr(
            module,
            name,
            lambda what, *more, real=real: (
                read.append(str(getattr(what, "name", what))),
                real(what, *more),
            )[1],
        )
    (tmp_path / "data").mkdir()
    found, config = samples(tmp_path / "data"), resolve("x", [])
    caches = Workspace.at(tmp_path).cache
    images = [str(sample.image) for sample in found]
    for root in (tmp_path / "data", None):  # the table is found again for each
        shutil.rmtree(caches, ignore_errors=True)
        prints = set()
        for expected in (images, []):
            prepared = prepare_images(
                RESIZED, config, found, Workspace.at(tmp_path).images, None, root=root
            )
            prints.add(fingerprint(found, caches))
            assert prepared.cache
            assert sorted(read) == expected
            read.clear()
        assert prints == {fingerprint(found)}
        read.clear()

    old = found[1].image.stat()
    found[1].image.write_bytes(found[1].image.read_bytes()[::-1])
    os.utime(found[1].image, ns=(old.st_atime_ns, old.st_mtime_ns))
    assert fingerprint(found, caches) == fingerprint(found)
    assert read == [images[1], *images]


def test_headers_and_deep_images_are_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_table, "SETTLED_NS", -(10**12))
    read: list[str] = []
    for name in ("_header_kind", "_extremes"):
        real = getattr(find_range, name)
        monkeypatch.setattr(
            find_range, name, lambda path, real=real: (read.append(path), real(path))[1]
        )
    config, caches = resolve("x", []), tmp_path / "caches"
    for folder in ("deep", "flat"):
        (tmp_path / folder).mkdir()
    for found in (deep(tmp_path / "deep"), samples(tmp_path / "flat")):
        first = prepare_images(SIXTY_FOUR, config, found, caches, None)
        assert read
        read.clear()
        second = prepare_images(SIXTY_FOUR, config, found, caches, None)
        assert (second, read) == (first, [])
        assert second.value_range == first.value_range
        if first.value_range:
            assert second.value_range.sentence == first.value_range.sentence
