"""Images decoded once, read by many processes, and the bad ones found."""

from __future__ import annotations

import errno
import os
import pickle
import shutil
import time
import tracemalloc
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from comp.contract.competition import ImageSpec
from comp.contract.sample import Sample
from comp.data.images import cache_build, eviction, file_table, old_caches
from comp.data.images.cache import ImageReader, build_cache, image_reader
from comp.data.images.cache_index import Entry, open_index, sorted_rows, write_index
from comp.data.images.check import check_images
from comp.data.images.decode_many import absolute_image_path, read_resized, shape_record
from comp.data.images.eviction import list_caches
from comp.data.images.file_list import name_hash
from comp.data.images.file_table import FOLDER
from comp.data.images.old_caches import old_names
from comp.data.images.prepared import PreparedImages, relative_key
from comp.errors import DataError, DiskError, RunError
from comp.files import read_json, sha256, write_json

SPEC = ImageSpec(size=12, policy="squash", channels=3)
GREY = ImageSpec(size=12, policy="squash", channels=1)
PARTIAL = ImageSpec(size=12, policy="partial", channels=3, crop_pct=0.8)
WIDE = ImageSpec(size=(12, 30), policy="partial", channels=3, crop_pct=0.8)
ROOMY = 10**9


def photos(folder: Path, count: int = 4, suffix: str = ".png") -> list[Sample]:
    """Pictures of different sizes; the first has no target."""
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(0)
    found = []
    for i in range(count):
        path = folder / f"{i}{suffix}"
        Image.fromarray(rng.integers(0, 256, (20 + 3 * i, 31, 3), np.uint8)).save(path)
        found.append(Sample(id=f"s{i}", image=path, target=float(i) if i else None))
    return found


def spoil(sample: Sample) -> None:
    sample.image.write_bytes(b"this is no image")


def built(
    samples: Sequence[Sample], folder: Path, spec: ImageSpec = SPEC, **more
) -> PreparedImages:
    return build_cache(samples, spec, folder, limit_bytes=ROOMY, workers=2, **more)


def cache_of(samples: Sequence[Sample], folder: Path, spec: ImageSpec = SPEC) -> Path:
    cache = built(samples, folder, spec).cache
    assert cache is not None
    return cache


def folders(caches: Path) -> set[str]:
    """The names of the caches, without what is known of the files."""
    return {path.name for path in caches.iterdir()} - {FOLDER}


def read_all(job: tuple[ImageReader, list[Sample]]) -> list[np.ndarray]:
    reader, samples = job
    return [reader(sample)["image"] for sample in samples]


@pytest.mark.parametrize(
    "spec", [SPEC, GREY, PARTIAL, WIDE], ids=["colour", "grey", "partial", "wide"]
)
def test_cached_images_are_those_of_the_files(tmp_path: Path, spec: ImageSpec):
    samples = photos(tmp_path / "data")
    cache = cache_of(samples, tmp_path / "caches", spec)

    reader, direct = ImageReader(spec, cache), ImageReader(spec)

    for sample in samples:
        expected = direct(sample)["image"]
        np.testing.assert_array_equal(expected, read_resized(sample.image, spec))
        np.testing.assert_array_equal(reader(sample)["image"], expected)


def test_cache_is_read_in_place_of_the_files(tmp_path: Path):
    samples = photos(tmp_path / "data")
    expected = [ImageReader(SPEC)(sample)["image"] for sample in samples]
    cache = cache_of(samples, tmp_path / "caches")
    shutil.rmtree(tmp_path / "data")

    made = read_all((ImageReader(SPEC, cache), samples))

    np.testing.assert_array_equal(made, expected)


def test_sample_that_is_not_in_the_cache_is_read_from_its_file(tmp_path: Path):
    samples = photos(tmp_path / "data")
    cache = cache_of(samples[:2], tmp_path / "caches")

    image = ImageReader(SPEC, cache)(samples[3])["image"]

    np.testing.assert_array_equal(image, ImageReader(SPEC)(samples[3])["image"])


def test_cache_that_was_removed_is_done_without(tmp_path: Path):
    samples = photos(tmp_path / "data")
    cache = cache_of(samples, tmp_path / "caches")
    shutil.rmtree(cache)

    image = ImageReader(SPEC, cache)(samples[0])["image"]

    np.testing.assert_array_equal(image, ImageReader(SPEC)(samples[0])["image"])


@pytest.mark.parametrize("cached", [True, False])
def test_target_is_one_number_where_the_sample_has_one(tmp_path: Path, cached: bool):
    samples = photos(tmp_path / "data")
    reader = ImageReader(SPEC, cache_of(samples, tmp_path / "caches") if cached else None)

    assert list(reader(samples[0])) == ["image"]
    target = reader(samples[3])["target"]
    assert (target.dtype, target.shape, float(target[0])) == (np.float32, (1,), 3.0)


@pytest.mark.parametrize("cached", [True, False])
def test_an_image_that_is_changed_leaves_the_cache_alone(tmp_path: Path, cached: bool):
    sample = photos(tmp_path / "data")[1]
    reader = ImageReader(SPEC, cache_of([sample], tmp_path / "caches") if cached else None)
    before = reader(sample)["image"].copy()

    reader(sample)["image"][:] = 7

    np.testing.assert_array_equal(reader(sample)["image"], before)


def test_reader_travels_to_other_processes(tmp_path: Path):
    samples = photos(tmp_path / "data")
    reader = ImageReader(SPEC, cache_of(samples, tmp_path / "caches"))
    expected = read_all((reader, samples))

    assert len(pickle.dumps(reader)) < 1000
    with get_context("spawn").Pool(1) as pool:
        (made,) = pool.map(read_all, [(reader, samples)])

    np.testing.assert_array_equal(made, expected)


def test_the_second_run_finds_the_cache_of_the_first(tmp_path: Path):
    samples = photos(tmp_path / "data")
    heard: list[tuple[int, int]] = []

    first = built(samples, tmp_path / "caches", on_image=lambda *n: heard.append(n))
    second = built(samples[::-1], tmp_path / "caches", on_image=lambda *n: heard.append(n))

    assert first == second
    assert heard == [(1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.mark.parametrize(
    "other",
    [
        replace(SPEC, size=13),
        replace(SPEC, policy="letterbox"),
        replace(SPEC, interpolation="bicubic"),
        replace(SPEC, crop_pct=0.5),
        GREY,
    ],
    ids=["size", "policy", "interpolation", "crop", "channels"],
)
def test_every_shape_has_a_cache_of_its_own(tmp_path: Path, other: ImageSpec):
    samples = photos(tmp_path / "data")

    caches = {cache_of(samples, tmp_path / "caches", spec) for spec in (SPEC, other)}

    assert len(caches) == 2


def test_a_cache_of_images_that_are_not_square_is_used_and_not_that_of_another_size(tmp_path: Path):
    """The tuple of a spec is a list in facts.json: the cache was never used."""
    samples, runs = photos(tmp_path / "data"), tmp_path / "run"
    tall = replace(WIDE, size=(30, 12))
    caches = {spec: cache_of(samples, tmp_path / "caches", spec) for spec in (WIDE, tall, PARTIAL)}
    assert len(set(caches.values())) == 3
    runs.mkdir()
    PreparedImages(caches[WIDE]).write_pointer(runs)

    assert image_reader(samples, WIDE, runs) == ImageReader(WIDE, caches[WIDE])
    assert image_reader(samples, tall, runs) == ImageReader(tall, None)
    assert image_reader(samples, PARTIAL, runs).cache is None


def test_changed_bytes_are_seen_though_size_and_time_are_the_same(tmp_path: Path):
    samples = photos(tmp_path / "data", suffix=".bmp")
    path, when = samples[0].image, samples[0].image.stat()
    before = cache_of(samples, tmp_path / "caches")

    path.write_bytes(path.read_bytes()[:-9] + bytes(9))
    os.utime(path, ns=(when.st_atime_ns, when.st_mtime_ns))
    after = cache_of(samples, tmp_path / "caches")

    assert path.stat().st_size == when.st_size
    assert after != before
    np.testing.assert_array_equal(
        ImageReader(SPEC, after)(samples[0])["image"], read_resized(path, SPEC)
    )


def test_same_bytes_elsewhere_are_another_cache(tmp_path: Path):
    samples, others = photos(tmp_path / "data"), photos(tmp_path / "copy")

    assert cache_of(samples, tmp_path / "caches") != cache_of(others, tmp_path / "caches")


def test_runs_at_once_share_one_whole_cache(tmp_path: Path):
    samples = photos(tmp_path / "data", 12)

    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda _: built(samples, tmp_path / "caches"), range(3)))

    assert len({one.cache for one in found}) == 1
    assert folders(tmp_path / "caches") == {found[0].cache.name}
    made = read_all((ImageReader(SPEC, found[0].cache), samples))
    np.testing.assert_array_equal(made, read_all((ImageReader(SPEC), samples)))


@pytest.mark.parametrize("file", ["pixels.bin", "index.npy", "bad.json", "states.npy"])
@pytest.mark.parametrize("content", [b"short", b""])
def test_damaged_cache_is_made_anew(tmp_path: Path, file: str, content: bytes):
    samples = photos(tmp_path / "data")
    cache = cache_of(samples, tmp_path / "caches")
    (cache / file).write_bytes(content)

    again = cache_of(samples, tmp_path / "caches")

    assert again == cache
    assert (cache / "pixels.bin").stat().st_size == 4 * 12 * 12 * 3


@pytest.mark.parametrize("length", [0, 500])
def test_pixels_that_are_cut_after_the_start_are_read_from_the_files(tmp_path: Path, length: int):
    samples = photos(tmp_path / "data")
    cache = cache_of(samples, tmp_path / "caches")
    (cache / "pixels.bin").write_bytes((cache / "pixels.bin").read_bytes()[:length])

    made = read_all((ImageReader(SPEC, cache), samples))

    np.testing.assert_array_equal(made, read_all((ImageReader(SPEC), samples)))


def test_a_disk_that_is_full_at_the_last_file_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def full(path: Path, _value: object) -> None:
        raise DiskError(f"cannot write {path.name}: No space left on device; make room")

    monkeypatch.setattr(cache_build, "write_json", full)
    found = built(photos(tmp_path / "data"), tmp_path / "caches")

    assert found.cache is None
    assert "cannot write facts.json: No space left on device" in found.no_cache_reason
    assert folders(tmp_path / "caches") == set()


def test_broken_off_building_leaves_nothing(tmp_path: Path):
    def stop(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        built(photos(tmp_path / "data"), tmp_path / "caches", on_image=stop)

    assert folders(tmp_path / "caches") == set()


def test_without_room_images_are_only_checked_and_the_reason_is_told(tmp_path: Path):
    samples = photos(tmp_path / "data")

    found = build_cache(samples, SPEC, tmp_path / "caches", limit_bytes=4 * 12 * 12 * 3 - 1)

    assert (found.cache, found.skipped) == (None, {})
    assert found.no_cache_reason == (
        "1.73e-06 GB of images do not fit into the 1.73e-06 GB for caches, so they are decoded in "
        "each epoch: set image.cache_gb, or image.cache = jpeg, which needs a third and changes "
        "pixels a little"
    )
    assert folders(tmp_path / "caches") == set()
    fits = build_cache(samples, SPEC, tmp_path / "caches", limit_bytes=4 * 12 * 12 * 3)
    assert fits.cache
    assert fits.no_cache_reason == ""


def test_bad_images_are_found_without_room_too(tmp_path: Path):
    samples = photos(tmp_path / "data")
    spoil(samples[2])

    with pytest.raises(DataError, match=r"^1 of 4 images cannot be decoded"):
        build_cache(samples, SPEC, tmp_path / "caches", limit_bytes=0)
    found = build_cache(samples, SPEC, tmp_path / "caches", limit_bytes=0, skip_bad=True)
    assert set(found.skipped) == {absolute_image_path(samples[2])}


def test_place_that_cannot_be_written_to_is_done_without(tmp_path: Path):
    (tmp_path / "caches").write_text("a file")

    found = built(photos(tmp_path / "data"), tmp_path / "caches")

    assert found.cache is None
    assert f"no image cache can be kept in {tmp_path / 'caches'}: " in found.no_cache_reason


def test_least_recently_used_cache_makes_room(tmp_path: Path):
    caches = tmp_path / "caches"
    old, newer = (cache_of(photos(tmp_path / name), caches) for name in ("a", "b"))
    for cache, hours in ((old, 3), (newer, 2)):
        os.utime(cache / eviction.USED, (time.time() - 3600 * hours,) * 2)

    samples, one = photos(tmp_path / "c"), 4 * 12 * 12 * 3
    made = build_cache(samples, SPEC, caches, limit_bytes=2 * one)

    assert made.cache
    assert folders(caches) == {newer.name, made.cache.name}


def test_use_is_noted(tmp_path: Path):
    samples = photos(tmp_path / "data")
    found = built(samples, tmp_path / "caches")
    found.write_pointer(tmp_path)
    uses = (
        lambda: built(samples, tmp_path / "caches"),
        lambda: image_reader(samples, SPEC, tmp_path),
    )

    for use in uses:
        os.utime(found.cache / eviction.USED, (1000, 1000))
        use()
        assert list_caches(tmp_path / "caches")[0].used > time.time() - 60


def test_all_bad_images_are_counted_and_the_first_named(tmp_path: Path):
    samples = photos(tmp_path / "data", 5)
    spoil(samples[3])
    samples[1].image.unlink()

    with pytest.raises(DataError) as caught:
        built(samples, tmp_path / "caches")

    assert str(caught.value) == (
        f"2 of 5 images cannot be decoded, the first: cannot read the image {samples[1].image}: "
        "No such file or directory; or leave them out with --skip-bad"
    )


@pytest.mark.parametrize("check", [check_images, built], ids=["check", "build"])
def test_bad_images_are_left_out_with_their_reason(tmp_path: Path, check):
    samples = photos(tmp_path / "data", 5)
    spoil(samples[3])
    args = (samples,) if check is check_images else (samples, tmp_path / "caches")

    for _ in range(2):  # the second time the cache is there
        found = check(*args, skip_bad=True)
        skipped = found if check is check_images else found.skipped
        assert list(skipped) == [str(samples[3].image)]
        assert "3.png is not a readable image (16 bytes)" in skipped[str(samples[3].image)]
        with pytest.raises(DataError, match="1 of 5 images"):
            check(*args)


def test_an_image_that_the_disk_withheld_once_is_not_bad_for_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    samples = photos(tmp_path / "data", 3)
    real = Path.read_bytes

    def ill(path: Path) -> bytes:
        if path == samples[1].image:
            raise OSError(errno.EIO, "Input/output error")
        return real(path)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_bytes", ill)
        found = built(samples, tmp_path / "caches", skip_bad=True)
    assert list(found.skipped) == [str(samples[1].image)]

    again = built(samples, tmp_path / "caches")

    assert again.skipped == {}
    assert len(folders(tmp_path / "caches")) == 1


def test_a_target_image_that_is_bad_leaves_its_sample_out(tmp_path: Path):
    samples = photos(tmp_path / "data", 3)
    target = tmp_path / "target.png"
    target.write_bytes(b"no image")
    pair = replace(samples[2], target=target)

    found = check_images([*samples[:2], pair], skip_bad=True)

    assert list(found) == [str(pair.image)]
    assert "target.png is not a readable image" in found[str(pair.image)]


def test_nothing_but_bad_images(tmp_path: Path):
    samples = photos(tmp_path / "data", 2)
    for sample in samples:
        spoil(sample)

    found = built(samples, tmp_path / "caches", skip_bad=True)

    assert len(found.skipped) == 2
    with pytest.raises(DataError, match=r"0\.png is not a readable image"):
        ImageReader(SPEC, found.cache)(samples[0])


def test_check_tells_how_far_it_is(tmp_path: Path):
    heard: list[tuple[int, int]] = []

    assert check_images(photos(tmp_path), on_image=lambda *n: heard.append(n)) == {}
    assert heard[-1] == (4, 4)


def test_one_image_of_several_samples_is_kept_once(tmp_path: Path):
    (sample,) = photos(tmp_path / "data", 1)

    cache = cache_of([sample, replace(sample, id="again")], tmp_path / "caches")

    assert (cache / "pixels.bin").stat().st_size == 12 * 12 * 3


def test_what_is_kept_in_a_folder_comes_back(tmp_path: Path):
    found = PreparedImages(tmp_path / "cache", {"/a.png": "bad"}, "told once")

    found.write_pointer(tmp_path / "new")

    assert PreparedImages.read_pointer(tmp_path / "new") == replace(found, no_cache_reason="")
    assert PreparedImages.read_pointer(tmp_path) == PreparedImages()


@pytest.mark.parametrize("text", ["{", "[]", "{}"])
def test_damaged_note_is_named(tmp_path: Path, text: str):
    (tmp_path / "images.json").write_text(text)

    with pytest.raises(RunError, match=r"images\.json is damaged .*run again"):
        PreparedImages.read_pointer(tmp_path)


def test_reader_of_a_run_uses_its_cache(tmp_path: Path):
    samples = photos(tmp_path / "data")
    found = built(samples, tmp_path / "caches")
    found.write_pointer(tmp_path)

    assert image_reader(samples, SPEC, tmp_path) == ImageReader(SPEC, found.cache)
    assert image_reader(samples, GREY, tmp_path) == ImageReader(GREY)
    assert image_reader(samples, SPEC, tmp_path / "data") == ImageReader(SPEC)
    shutil.rmtree(found.cache)
    assert image_reader(samples, SPEC, tmp_path) == ImageReader(SPEC)


def test_reader_of_a_run_sees_that_a_file_changed_since(tmp_path: Path):
    samples = photos(tmp_path / "data")
    found = built(samples, tmp_path / "caches")
    found.write_pointer(tmp_path)
    Image.new("RGB", (9, 9)).save(samples[1].image)

    assert image_reader(samples, SPEC, tmp_path) == ImageReader(SPEC)
    assert image_reader([samples[0]], SPEC, tmp_path) == ImageReader(SPEC, found.cache)


def test_files_written_anew_with_the_same_bytes_keep_their_cache(tmp_path: Path):
    samples = photos(tmp_path / "data")
    found = built(samples, tmp_path / "caches")
    found.write_pointer(tmp_path)
    os.utime(samples[1].image, (1000, 1000))

    assert image_reader(samples, SPEC, tmp_path) == ImageReader(SPEC)
    assert built(samples, tmp_path / "caches") == found
    assert image_reader(samples, SPEC, tmp_path) == ImageReader(SPEC, found.cache)


def test_facts_of_a_cache(tmp_path: Path):
    samples = photos(tmp_path / "data")
    cache = cache_of(samples, tmp_path / "caches")

    (facts,) = list_caches(tmp_path / "caches")

    assert (facts.path, facts.source, facts.images) == (cache, str(tmp_path / "data"), 4)
    assert facts.shape | {"equalize": "none", "stored": "raw"} == asdict(SPEC)
    assert facts.bytes == 4 * 12 * 12 * 3


def test_a_cache_is_found_where_the_data_has_moved(tmp_path: Path) -> None:
    """By a run that starts there, and by a fold of the run that made it."""
    caches = tmp_path / "data" / ".cache"
    samples = photos(tmp_path / "here")
    spoil(samples[3])
    made = built(samples, caches, root=tmp_path / "here", skip_bad=True)
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    moved = [replace(s, image=tmp_path / "there" / s.image.name) for s in samples]
    decoded: list[int] = []
    found = built(
        moved,
        caches,
        root=tmp_path / "there",
        skip_bad=True,
        on_image=lambda *n: decoded.append(n[0]),
    )
    assert (found.cache, decoded) == (made.cache, [])
    assert list(found.skipped) == [str(moved[3].image)]
    made.write_pointer(tmp_path)
    assert list(read_json(tmp_path / "images.json")["skipped"]) == ["3.png"]
    there = PreparedImages.read_pointer(tmp_path, tmp_path / "there")
    assert list(there.skipped) == [str(moved[3].image)]
    assert list(PreparedImages.read_pointer(tmp_path).skipped) == [str(samples[3].image)]
    reader = image_reader(moved[:3], SPEC, tmp_path, tmp_path / "there")
    assert reader == ImageReader(SPEC, made.cache, root=tmp_path / "there")
    expected = read_all((ImageReader(SPEC), samples[:3]))
    for sample in moved:
        sample.image.unlink()
    for image, of_file in zip(read_all((reader, moved[:3])), expected, strict=True):
        np.testing.assert_array_equal(image, of_file)


def test_a_cache_moves_with_its_workspace(tmp_path: Path) -> None:
    root = tmp_path / "a" / "data" / "toy"
    root.parent.mkdir(parents=True)
    made = built(photos(root), tmp_path / "a" / "data" / ".cache", root=root)
    made.write_pointer(tmp_path / "a" / "reader")
    (tmp_path / "a").rename(tmp_path / "b")
    found = PreparedImages.read_pointer(tmp_path / "b" / "reader", tmp_path / "b" / "data" / "toy")
    assert found.cache == tmp_path / "b" / "data" / ".cache" / made.cache.name


def made_by_an_earlier_version(
    cache: Path, samples: Sequence[Sample], root: Path, of_format: int = 2, absolute: bool = False
) -> Path:
    """Give a cache the name and the index that an earlier version wrote."""
    index = open_index(cache)
    images, digests = {}, []
    paths = sorted(absolute_image_path(sample) for sample in samples)
    for path in paths:
        entry, status = index.find(name_hash(path, root)), Path(path).stat()
        key = path if absolute else relative_key(path, root)
        images[key] = [*entry[:1], *entry[2:4], status.st_size, status.st_mtime_ns]
        digests.append(sha256(Path(path)))
    facts = read_json(cache / eviction.FACTS)
    name = old_names(paths, digests, facts["shape"], of_format, None if absolute else root)[0]
    for file in ("index.npy", "bad.json", "states.npy"):
        (cache / file).unlink()
    write_json(cache / eviction.FACTS, {k: facts[k] for k in facts if k not in NEW_FACTS})
    write_json(cache / "index.json", {"shape": facts["shape"], "images": images, "bad": {}})
    shutil.rmtree(cache.parent / FOLDER)
    return cache.rename(cache.parent / name)


NEW_FACTS = ("files", "content")


def test_names_of_earlier_versions_are_known() -> None:
    """The name that version 0.1 gave a cache."""
    square = old_names([], [], shape_record(SPEC, None), 1)
    assert square == ["c3b188653ff3dcb4897d09c5"]
    assert old_names([], [], shape_record(replace(SPEC, size=(12, 12)), None), 1) == square


@pytest.mark.parametrize("absolute", [False, True])
def test_a_cache_of_an_earlier_version_is_used(tmp_path: Path, absolute: bool) -> None:
    samples, root = photos(tmp_path / "data"), tmp_path / "data"
    cache = built(samples, tmp_path / "caches", root=root).cache
    old = made_by_an_earlier_version(cache, samples, root, absolute=absolute)
    PreparedImages(old, root=root).write_pointer(tmp_path / "old run")
    expected = read_all((ImageReader(SPEC), samples))
    unconverted = image_reader(samples, SPEC, tmp_path / "old run")
    assert unconverted.cache == old
    decoded: list[int] = []

    for _ in range(2):
        found = built(
            samples, tmp_path / "caches", root=root, on_image=lambda *n: decoded.append(n[0])
        )
        assert (found.cache, decoded) == (old, [])

    found.write_pointer(tmp_path)
    reader = image_reader(samples, SPEC, tmp_path)
    assert reader.cache == old
    for sample in samples:
        sample.image.unlink()
    for one in (unconverted, reader):
        for image, of_file in zip(read_all((one, samples)), expected, strict=True):
            np.testing.assert_array_equal(image, of_file)


def test_an_old_cache_that_cannot_be_written_to_is_used_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples, root = photos(tmp_path / "data"), tmp_path / "data"
    cache = built(samples, tmp_path / "caches", root=root).cache
    old = made_by_an_earlier_version(cache, samples, root)
    expected = read_all((ImageReader(SPEC), samples))

    def read_only(path: Path, _value: object) -> None:
        raise DiskError(f"cannot write {path.name}: Read-only file system")

    monkeypatch.setattr(old_caches, "write_json", read_only)
    decoded: list[int] = []
    found = built(samples, tmp_path / "caches", root=root, on_image=lambda *n: decoded.append(n[0]))

    assert (found.cache, found.no_cache_reason, decoded) == (old, "", [])
    found.write_pointer(tmp_path)
    reader = image_reader(samples, SPEC, tmp_path)
    assert reader.cache == old
    np.testing.assert_array_equal(read_all((reader, samples)), expected)


def test_a_damaged_old_cache_is_made_anew(tmp_path: Path) -> None:
    samples, root = photos(tmp_path / "data"), tmp_path / "data"
    cache = built(samples, tmp_path / "caches", root=root).cache
    old = made_by_an_earlier_version(cache, samples, root)
    (old / "index.json").write_text((old / "index.json").read_text()[:50])

    found = built(samples, tmp_path / "caches", root=root)

    assert found.cache == cache
    assert not old.exists()


def test_an_old_cache_of_a_file_that_changed_is_not_read(tmp_path: Path) -> None:
    samples, root = photos(tmp_path / "data"), tmp_path / "data"
    cache = built(samples, tmp_path / "caches", root=root).cache
    old = made_by_an_earlier_version(cache, samples, root)
    PreparedImages(old, root=root).write_pointer(tmp_path)
    Image.new("RGB", (9, 9)).save(samples[1].image)
    assert image_reader(samples, SPEC, tmp_path).cache is None


def test_an_old_cache_of_other_pixels_is_not_used(tmp_path: Path) -> None:
    samples, root = photos(tmp_path / "data"), tmp_path / "data"
    cache = built(samples, tmp_path / "caches", root=root).cache
    old = made_by_an_earlier_version(cache, samples, root, of_format=1)
    assert built(samples, tmp_path / "caches", root=root).cache not in (None, old)


def test_a_start_with_a_cache_reads_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_table, "SETTLED_NS", -(10**12))
    samples = photos(tmp_path / "data")
    found = built(samples, tmp_path / "caches")
    found.write_pointer(tmp_path)
    opened: list[str] = []
    real = Path.open

    def counted(path: Path, *args: object, **more: object) -> object:
        opened.append(str(path))
        return real(path, *args, **more)

    monkeypatch.setattr(Path, "open", counted)

    assert built(samples, tmp_path / "caches") == found
    assert image_reader(samples, SPEC, tmp_path).cache == found.cache
    assert not [path for path in opened if path.endswith((".png", "index.json"))]


def test_copied_data_with_new_times_finds_its_cache_without_decoding(tmp_path: Path) -> None:
    samples, root = photos(tmp_path / "data"), tmp_path / "data"
    first = built(samples, tmp_path / "caches", root=root)
    shutil.copytree(root, tmp_path / "copy", copy_function=shutil.copyfile)
    copies = [replace(s, image=tmp_path / "copy" / s.image.name) for s in samples]
    decoded: list[int] = []

    found = built(
        copies,
        tmp_path / "caches",
        root=tmp_path / "copy",
        on_image=lambda *n: decoded.append(n[0]),
    )
    found.write_pointer(tmp_path)

    assert (found.cache, decoded) == (first.cache, [])
    assert image_reader(copies, SPEC, tmp_path).cache == first.cache


def test_a_machine_without_the_table_compares_size_and_time(tmp_path: Path) -> None:
    samples = photos(tmp_path / "data")
    found = built(samples, tmp_path / "caches")
    found.write_pointer(tmp_path)
    shutil.rmtree(tmp_path / "caches" / FOLDER)
    assert image_reader(samples, SPEC, tmp_path).cache == found.cache
    os.utime(samples[1].image, (1000, 1000))
    assert image_reader(samples, SPEC, tmp_path).cache is None


def test_a_file_that_changes_while_it_is_read_is_not_cached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = photos(tmp_path / "data")
    real = cache_build.read_resized

    def changed(path: Path, *args: object) -> np.ndarray:
        image = real(path, *args)
        if path == samples[1].image:
            Image.new("RGB", (9, 9)).save(path)
        return image

    with monkeypatch.context() as patched:
        patched.setattr(cache_build, "read_resized", changed)
        with pytest.raises(DataError, match=r"1\.png: it changed while it was read"):
            built(samples, tmp_path / "caches")
    cache = cache_of(samples, tmp_path / "caches")
    np.testing.assert_array_equal(
        ImageReader(SPEC, cache)(samples[1])["image"], read_resized(samples[1].image, SPEC)
    )


def test_images_that_cannot_be_cached_are_checked_once(tmp_path: Path) -> None:
    samples = photos(tmp_path / "data")
    spoil(samples[2])
    decoded: list[int] = []

    def check() -> PreparedImages:
        return build_cache(
            samples,
            SPEC,
            tmp_path / "caches",
            limit_bytes=0,
            skip_bad=True,
            on_image=lambda *n: decoded.append(n[0]),
        )

    first = check()
    for sample in samples:
        os.utime(sample.image, (1000, 1000))
    assert check() == first
    assert set(first.skipped) == {str(samples[2].image)}
    assert decoded == [1, 2, 3, 4]


JPEG = replace(SPEC, size=64, stored="jpeg")


@pytest.mark.parametrize("channels", [1, 3])
def test_jpegs_are_the_same_with_and_without_a_cache(tmp_path: Path, channels: int) -> None:
    samples, spec = photos(tmp_path / "data"), replace(JPEG, channels=channels)
    cache = cache_of(samples, tmp_path / "caches", spec)
    raw = cache_of(samples, tmp_path / "caches", replace(spec, stored="raw"))

    assert cache != raw
    for sample in samples:
        image = ImageReader(spec, cache)(sample)["image"]
        np.testing.assert_array_equal(image, ImageReader(spec)(sample)["image"])
        exact = ImageReader(replace(spec, stored="raw"), raw)(sample)["image"]
        assert (image.shape, image.dtype, image.flags.writeable) == (exact.shape, np.uint8, True)
        assert 0 < np.abs(image.astype(int) - exact).mean() < 8


def test_an_index_is_mapped_and_small(tmp_path: Path) -> None:
    count = 200_000
    names = np.sort(np.random.default_rng(0).integers(0, 2**63, (2, count), np.uint64))
    packed = np.zeros(3 * count, np.uint64)
    packed[::3], packed[1::3] = np.arange(count), 1
    packed[2::3] = Entry(0, 1, 1, 1, 1).packed()[2]
    (tmp_path / "pixels.bin").write_bytes(bytes(count))
    write_json(tmp_path / eviction.FACTS, {"shape": {}})
    write_index(tmp_path, sorted_rows(names, packed), {})

    tracemalloc.start()
    index = open_index(tmp_path)
    found = [index.find(names[:, i].tobytes()) for i in range(0, count, 1000)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert [entry.start for entry in found] == list(range(0, count, 1000))
    assert peak < 1_000_000
    assert index.find(bytes(16)) is None
