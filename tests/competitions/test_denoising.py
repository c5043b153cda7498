from __future__ import annotations

import random
import shutil
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from threading import Barrier

import cv2
import numpy as np
import pytest
import torch

from comp.config.schema import RunConfig, resolve
from comp.data.folds import make_folds
from comp.errors import ConfigError, DataError
from competitions.denoising import COMPETITION, Options
from competitions.denoising.choose_paper import ChoosePaper
from competitions.denoising.network import OnPaper, PageNet, build
from competitions.denoising.papers import MIN_PAGES, estimate_paper, recover_papers
from competitions.denoising.reader import PageReader


def config(**options: object) -> RunConfig:
    return resolve("denoising", [COMPETITION.defaults, {"options": options}], Options)


@pytest.fixture
def copy(pages: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pages, tmp_path / "data"))


def paper(rng: np.random.Generator, height: int = 90, width: int = 120) -> np.ndarray:
    """A smooth, stained sheet: uint8 between 120 and 240."""
    rough = rng.random((6, 8)).astype(np.float32)
    return (120 + 120 * cv2.resize(rough, (width, height))).astype(np.uint8)


def written(sheet: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The sheet with dark strokes on about an eighth of it."""
    page = sheet.copy()
    for _ in range(40):
        y, x = rng.integers(0, sheet.shape[0] - 3), rng.integers(0, sheet.shape[1] - 12)
        page[y : y + 2, x : x + 12] = 30
    return page


def error(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.sqrt(np.mean((a.astype(float) - b.astype(float)) ** 2)))


def test_pages_of_one_clean_page_are_one_group(pages: Path) -> None:
    samples = COMPETITION.samples(pages, "train")
    groups: dict[str | None, set[bytes]] = {}
    for sample in samples:
        assert isinstance(sample.target, Path)
        groups.setdefault(sample.group, set()).add(sample.target.read_bytes())
    assert len(groups) == 4
    assert all(len(contents) == 1 for contents in groups.values())
    folds = make_folds(samples, 2, "auto", 0)
    sides = {group: {folds[s.id] for s in samples if s.group == group} for group in groups}
    assert all(len(side) == 1 for side in sides.values())


def test_test_pages_stand_in_the_order_of_the_sample_submission(copy: Path) -> None:
    path = copy / "sampleSubmission.csv"
    names = [s.id for s in COMPETITION.samples(copy, "test")]
    header, *lines = path.read_text().splitlines()
    turned = sorted(lines, key=lambda line: -names.index(line.split("_")[0]))
    path.write_text("\n".join([header, *turned]) + "\n")
    assert [s.id for s in COMPETITION.samples(copy, "test")] == names[::-1]


def test_a_page_without_its_twin_is_named(copy: Path) -> None:
    lost = min((copy / "train_cleaned").glob("*.png"))
    lost.unlink()
    with pytest.raises(
        DataError, match=rf"train/{lost.name} has no page of the same name in train_cleaned/"
    ):
        COMPETITION.samples(copy, "train")


def test_twins_of_different_size_are_named_with_their_sizes(copy: Path) -> None:
    path = min((copy / "train_cleaned").glob("*.png"))
    cv2.imwrite(str(path), np.zeros((11, 13), dtype=np.uint8))
    with pytest.raises(DataError, match=r"13 x 11"):
        COMPETITION.samples(copy, "train")


def test_an_unreadable_page_is_left_to_the_run(copy: Path) -> None:
    path = max((copy / "test").glob("*.png"))
    (before,) = [s for s in COMPETITION.samples(copy, "test") if s.image == path]
    path.write_bytes(b"no page")
    (now,) = [s for s in COMPETITION.samples(copy, "test") if s.image == path]
    assert now.size == before.size
    clean = max((copy / "train_cleaned").glob("*.png"))
    clean.write_bytes(b"no page")
    (twin,) = [s for s in COMPETITION.samples(copy, "train") if s.id == clean.stem]
    assert (twin.target, twin.group, twin.size) == (clean, None, None)


def test_a_test_page_that_the_sample_submission_lacks_is_named(copy: Path) -> None:
    shutil.copy(min((copy / "test").glob("*.png")), copy / "test" / "999.png")
    with pytest.raises(DataError, match=r"page 999 is only in test/"):
        COMPETITION.samples(copy, "test")


def test_a_shared_paper_is_recovered_from_pages_full_of_text() -> None:
    rng = np.random.default_rng(0)
    sheets = [paper(rng), paper(rng)]
    pages = {f"{s}-{i}": written(sheets[s], rng) for s in range(2) for i in range(9)}
    papers = recover_papers(pages)
    for name, found in papers.items():
        sheet = sheets[int(name[0])]
        assert found.dtype == np.uint8
        assert error(found, sheet) < 3 < error(pages[name], sheet)


def test_short_pages_share_the_top_of_a_tall_paper() -> None:
    rng = np.random.default_rng(1)
    sheet = paper(rng)
    pages = {f"{i}": written(sheet, rng)[: 55 if i % 3 == 0 else 90] for i in range(12)}
    for name, found in recover_papers(pages).items():
        assert found.shape == pages[name].shape
        assert error(found, sheet[: len(found)]) < 3


def test_papers_do_not_depend_on_the_order_of_the_pages() -> None:
    rng = np.random.default_rng(2)
    sheet = paper(rng)
    pages = {f"{i}": written(sheet, rng) for i in range(6)}
    turned = dict(reversed(pages.items()))
    for name, found in recover_papers(pages).items():
        np.testing.assert_array_equal(found, recover_papers(turned)[name])


@pytest.mark.parametrize("shape", [(1, 1), (5, 7), (40, 300)])
def test_a_page_alone_gets_an_estimate(shape: tuple[int, int]) -> None:
    page = written(paper(np.random.default_rng(3), 40, 300), np.random.default_rng(4))
    page = page[: shape[0], : shape[1]].copy()
    found = recover_papers({"only": page})["only"]
    np.testing.assert_array_equal(found, estimate_paper(page))
    assert found.shape == page.shape


def test_an_estimate_takes_the_strokes_away() -> None:
    rng = np.random.default_rng(5)
    sheet = paper(rng, 120, 160)
    page = written(sheet, rng)
    assert error(estimate_paper(page), sheet) < error(page, sheet) / 2


def test_too_few_pages_of_a_paper_do_not_make_one() -> None:
    rng = np.random.default_rng(6)
    sheet = paper(rng)
    pages = {f"{i}": written(sheet, rng) for i in range(MIN_PAGES - 1)}
    for name, found in recover_papers(pages).items():
        np.testing.assert_array_equal(found, estimate_paper(pages[name]))


def test_pages_of_other_data_do_not_take_the_place_of_those_of_the_run(
    pages: Path, copy: Path, tmp_path: Path
) -> None:
    """Pages of pseudo-labelled data, of equal folders and names, were predicted in their place."""
    own, other = (COMPETITION.samples(root, "test") for root in (pages, copy))
    for sample in other:
        page = cv2.imread(str(sample.image), cv2.IMREAD_GRAYSCALE)
        cv2.imwrite(str(sample.image), 255 - page)
    reader = PageReader.read_all([*own, *own, *other], "single", tmp_path)
    for first, second in zip(own, other, strict=True):
        page = cv2.imread(str(first.image), cv2.IMREAD_GRAYSCALE)
        assert np.array_equal(reader(first)["image"][..., 0], page)
        assert np.array_equal(reader(second)["image"][..., 0], 255 - page)


@pytest.mark.parametrize(("kind", "channels"), [("off", 1), ("single", 2), ("recovered", 3)])
def test_the_reader_gives_a_page_with_its_papers(
    pages: Path, tmp_path: Path, kind: str, channels: int
) -> None:
    samples = [*COMPETITION.samples(pages, "train"), *COMPETITION.samples(pages, "test")]
    reader = PageReader.read_all(samples, kind, tmp_path)
    item = reader(samples[0])
    assert item["image"].shape == (*(samples[0].size or ()), channels)
    assert item["target"].shape == (*(samples[0].size or ()), 1)
    assert "target" not in reader(samples[-1])
    page = cv2.imread(str(samples[0].image), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(item["image"][..., 0], page)


def test_papers_are_recovered_once_a_run(
    pages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = COMPETITION.samples(pages, "train")
    first = PageReader.read_all(samples, "recovered", tmp_path)
    monkeypatch.setattr("competitions.denoising.reader.recover_papers", lambda _: 1 / 0)
    second = PageReader.read_all(samples, "recovered", tmp_path)
    for sample in samples:
        np.testing.assert_array_equal(first(sample)["image"], second(sample)["image"])


def test_papers_are_recovered_once_by_a_process_and_by_folds_at_the_same_time(
    pages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Folds in other processes find the file; here the cache of the process is switched off."""
    samples, started = COMPETITION.samples(pages, "train"), Barrier(2)
    calls: list[int] = []

    def recover(found: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        calls.append(len(found))
        time.sleep(0.2)
        return dict(found)

    def fold(_number: int) -> PageReader:
        started.wait()
        return PageReader.read_all(samples, "recovered", tmp_path / "reader")

    reader_module = import_module("competitions.denoising.reader")
    monkeypatch.setattr(reader_module, "recover_papers", recover)
    reader_module._recovered.cache_clear()
    for folder in ("a", "b"):  # such as those of a check and of a measurement
        PageReader.read_all(samples, "recovered", tmp_path / folder)
    assert calls == [len(samples)]
    monkeypatch.setattr(reader_module, "_recovered", reader_module._recovered.__wrapped__)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(fold, range(2)))
    assert calls == [len(samples)] * 2


def test_papers_whose_file_is_cut_are_recovered_anew(pages: Path, tmp_path: Path) -> None:
    samples = COMPETITION.samples(pages, "train")
    PageReader.read_all(samples, "recovered", tmp_path)
    file = tmp_path / "papers.safetensors"
    whole = file.read_bytes()
    for cut in (0, 5, 100, len(whole) - 1):
        file.write_bytes(whole[:cut])
        PageReader.read_all(samples, "recovered", tmp_path)
        assert file.read_bytes() == whole


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_a_share_of_the_draws_sees_the_pages_own_estimate(share: float) -> None:
    image = np.dstack([np.full((4, 4), value, dtype=np.uint8) for value in (10, 20, 30)])
    choose, generator = ChoosePaper(share), random.Random(0)
    kept = [choose.apply(image, choose.draw(generator)) for _ in range(400)]
    seen = np.mean([page[0, 0, 1] == 30 for page in kept])
    assert seen == pytest.approx(share, abs=0.08)


@pytest.mark.parametrize("train", [True, False])
def test_page_and_target_are_cropped_and_flipped_together(train: bool) -> None:
    settings = config(crop=32)
    code = np.arange(60 * 70, dtype=np.uint32)
    parts = [
        (code // 256).astype(np.uint8).reshape(60, 70),
        (code % 256).astype(np.uint8).reshape(60, 70),
    ]
    image = np.dstack([parts[0], parts[1], parts[1]])
    pipeline = COMPETITION.pipeline(settings, train)
    seen = set()
    for seed in range(12):
        out = pipeline({"image": image, "target": parts[0][..., None]}, seed)
        np.testing.assert_array_equal(out["image"][..., 0], out["target"][..., 0])
        assert out["image"].shape == ((32, 32, 2) if train else (60, 70, 2))
        seen.add(out["image"].tobytes())
    assert len(seen) == (12 if train else 1)


@pytest.mark.parametrize("kind", ["off", "single", "recovered"])
def test_jitter_changes_the_page_and_leaves_the_target(kind: str) -> None:
    channels = {"off": 1, "single": 2, "recovered": 3}[kind]
    image = np.full((40, 40, channels), 150, dtype=np.uint8)
    pipeline = COMPETITION.pipeline(config(crop=32, jitter=1.0, background=kind), True)
    target = np.full((40, 40, 1), 200, dtype=np.uint8)
    out = pipeline({"image": image, "target": target}, 0)
    assert out["image"].std() > 0.5
    assert (out["target"] == 200).all()


def test_augmentation_can_be_switched_off() -> None:
    settings = resolve("denoising", [COMPETITION.defaults, {"loader": {"augment": False}}], Options)
    names = [change.name for change in COMPETITION.pipeline(settings, True).changes]
    assert "HorizontalFlip" not in names
    assert "RandomCrop" in names


@pytest.mark.parametrize("kind", ["off", "recovered"])
def test_an_untrained_network_gives_the_page_over_its_paper(kind: str) -> None:
    network = build(config(background=kind)).eval()
    image = torch.rand(2, 1 if kind == "off" else 2, 16, 24) * 0.5 + 0.3
    expected = image if kind == "off" else (image[:, :1] / image[:, 1:]).clamp(0, 1)
    torch.testing.assert_close(network(image), expected)


def test_flips_crops_and_papers_are_drawn_apart_from_each_other() -> None:
    pipeline = COMPETITION.pipeline(config(crop=32, single_share=0.5), True)
    rows, columns = np.indices((64, 64), dtype=np.uint8)
    image = np.dstack([rows, np.full_like(rows, 100), np.full_like(rows, 200)])
    seen = []
    for seed in range(400):
        out = pipeline({"image": image, "target": columns[..., None]}, seed)
        down, right = out["image"][:, 0, 0], out["target"][0, :, 0]
        seen.append((down[0] > down[-1], right[0] > right[-1], out["image"][0, 0, 1], min(down)))
    flips = [(upside, mirrored) for upside, mirrored, _, _ in seen]
    assert all(60 < flips.count((a, b)) < 140 for a in (True, False) for b in (True, False))
    tops = [[int(top) for *_, paper, top in seen if paper == value] for value in (100, 200)]
    assert abs(np.mean(tops[0]) - np.mean(tops[1])) < 4


def test_a_page_smaller_than_a_crop_still_trains() -> None:
    pipeline = COMPETITION.pipeline(config(crop=64), True)
    page = np.zeros((20, 90, 3), dtype=np.uint8)
    item = {"image": page, "target": page[..., :1]}
    assert pipeline(item, 0)["target"].shape == (64, 64, 1)


@pytest.mark.parametrize("values", [{"pretrained": True}, {"weights": "w.safetensors"}])
def test_pretrained_weights_are_refused_where_the_network_has_none(values: dict[str, object]):
    settings = resolve("denoising", [COMPETITION.defaults, values], Options)
    with pytest.raises(ConfigError, match="pagenet, the network of denoising, has no pretrained"):
        build(settings)


def test_a_timm_backbone_may_stand_in_for_the_small_network() -> None:
    settings = resolve("denoising", [COMPETITION.defaults, {"backbone": "resnet10t"}], Options)
    network = build(settings)
    assert isinstance(network, OnPaper)
    assert not isinstance(network.network, PageNet)
    assert network(torch.rand(1, 2, 50, 70)).shape == (1, 1, 50, 70)


def test_the_real_data_has_36_clean_pages_that_no_fold_divides(
    real_denoising: Path, tmp_path: Path
) -> None:
    from comp.data.location import find_root, open_folder
    from comp.workspace import Workspace

    root = find_root(COMPETITION, open_folder(real_denoising, Workspace.at(tmp_path)))
    samples = COMPETITION.samples(root, "train")
    assert len({sample.group for sample in samples}) == 36
    folds = make_folds(samples, 5, "auto", 0, COMPETITION.group)
    contents: dict[bytes, set[int]] = {}
    for sample in samples:
        assert isinstance(sample.target, Path)
        contents.setdefault(sample.target.read_bytes(), set()).add(folds[sample.id])
    assert len(contents) == 36
    assert all(len(where) == 1 for where in contents.values())
