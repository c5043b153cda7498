"""The drawn data set has the real one's layout, twins, shared papers and plausible dirt."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

from competitions.denoising.synthetic_pages import draw_pages

TEXTS, NOISES, TEST_TEXTS = 4, 3, 2
TEST_NOISES = 2  # half of the noises, rounded up
SHAPES = {(420, 540), (258, 540)}
Page = npt.NDArray[np.uint8]
Pages = dict[str, Page]


def draw(root: Path, seed: int = 7) -> Path:
    rng = np.random.default_rng(seed)
    draw_pages(root, rng, texts=TEXTS, noises=NOISES, test_texts=TEST_TEXTS)
    return root


def read(folder: Path) -> Pages:
    """File name -> page as stored, with its depth and channels."""
    return {p.name: np.asarray(cv2.imread(str(p), -1)) for p in sorted(folder.iterdir())}


def content(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def difference(a: Page, b: Page) -> float:
    """RMSE of two pages of one size, in 0..1."""
    return float(np.sqrt(np.mean((a.astype(float) - b) ** 2)) / 255)


def by_text(clean: Pages) -> list[list[str]]:
    """Names of the pages of each text, that is with equal clean pages."""
    groups: dict[bytes, list[str]] = {}
    for name, page in clean.items():
        groups.setdefault(page.tobytes(), []).append(name)
    return list(groups.values())


def by_paper(dirty: Pages, first: list[str]) -> list[list[str]]:
    """Names of the pages of each paper; `first` names one page of each.

    Two pages of one paper agree wherever neither has ink, hence at the median pixel.
    """
    groups: dict[str, list[str]] = {name: [] for name in first}
    for name, page in dirty.items():
        rows = min(258, len(page))
        gaps = {f: np.median(np.abs(page[:rows] - dirty[f][:rows].astype(int))) for f in first}
        groups[min(gaps, key=lambda f: gaps[f])].append(name)
    return list(groups.values())


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw(tmp_path_factory.mktemp("pages"))


@pytest.fixture(scope="module")
def dirty(root: Path) -> Pages:
    return read(root / "train")


@pytest.fixture(scope="module")
def clean(root: Path) -> Pages:
    return read(root / "train_cleaned")


@pytest.fixture(scope="module")
def test(root: Path) -> Pages:
    return read(root / "test")


def test_root_holds_what_kaggle_ships(root: Path) -> None:
    names = {p.name for p in root.iterdir()}
    assert names == {"train", "train_cleaned", "test", "sampleSubmission.csv"}


def test_as_many_pages_as_asked_for(dirty: Pages, test: Pages) -> None:
    assert len(dirty) == TEXTS * NOISES
    assert len(test) == TEST_TEXTS * TEST_NOISES


def test_pages_are_named_by_number_and_no_number_is_used_twice(dirty: Pages, test: Pages) -> None:
    names = [*dirty, *test]
    assert all(f"{int(name.removesuffix('.png'))}.png" == name for name in names)
    assert len(set(names)) == len(names)


def test_every_dirty_page_has_a_clean_twin_of_its_size(dirty: Pages, clean: Pages) -> None:
    assert {n: p.shape for n, p in dirty.items()} == {n: p.shape for n, p in clean.items()}


@pytest.mark.parametrize("folder", ["train", "train_cleaned", "test"])
def test_pages_are_8_bit_grey_and_of_both_sizes(root: Path, folder: str) -> None:
    pages = read(root / folder)
    assert {p.shape for p in pages.values()} == SHAPES
    assert {p.dtype for p in pages.values()} == {np.dtype(np.uint8)}


def test_sample_has_a_row_for_each_pixel_of_each_test_page(root: Path, test: Pages) -> None:
    sample = pl.read_csv(root / "sampleSubmission.csv")
    numbers = sorted(name.removesuffix(".png") for name in test)
    assert numbers != sorted(numbers, key=int), "the order of pages would go untested"
    expected = [
        f"{n}_{row}_{col}"
        for n in numbers
        for row in range(1, test[f"{n}.png"].shape[0] + 1)
        for col in range(1, test[f"{n}.png"].shape[1] + 1)
    ]
    assert sample.columns == ["id", "value"]
    assert sample["id"].to_list() == expected
    assert sample["value"].unique().to_list() == [1]


def test_sample_is_spelled_as_kaggle_spells_it(root: Path) -> None:
    lines = (root / "sampleSubmission.csv").read_bytes().splitlines(keepends=True)
    first = lines[1].split(b"_")[0]
    assert lines[0] == b"id,value\n"
    assert lines[1:3] == [first + b"_1_1,1\n", first + b"_1_2,1\n"]


def test_the_seed_decides_every_byte(root: Path, tmp_path: Path) -> None:
    assert content(draw(tmp_path / "again")) == content(root)


def test_another_seed_draws_other_pages(root: Path, clean: Pages, tmp_path: Path) -> None:
    other = draw(tmp_path / "other", seed=8)
    ours = {p.tobytes() for p in clean.values()}
    assert ours.isdisjoint(p.tobytes() for p in read(other / "train_cleaned").values())
    papers = {p.tobytes() for p in read(root / "train").values()}
    assert papers.isdisjoint(p.tobytes() for p in read(other / "train").values())


def test_each_text_stands_under_each_noise(dirty: Pages, clean: Pages) -> None:
    texts = by_text(clean)
    assert [len(names) for names in texts] == [NOISES] * TEXTS
    papers = by_paper(dirty, texts[0])
    for names in texts:
        assert sorted(len(set(names) & set(paper)) for paper in papers) == [1] * NOISES


def test_clean_pages_are_black_on_white(clean: Pages) -> None:
    for page in clean.values():
        assert 0.6 < np.mean(page == 255) < 0.95
        assert np.mean(page < 64) > 0.01
        assert len(np.unique(page)) > 50, "letters without soft edges"


def test_noise_dirties_the_page_about_as_much_as_the_real_ones(dirty: Pages, clean: Pages) -> None:
    for name, page in dirty.items():
        assert 0.08 < difference(page, clean[name]) < 0.3
        white, black = clean[name] == 255, clean[name] < 32
        assert page[white].mean() - page[black].mean() > 100, "the text must stay legible"


def test_noises_of_one_text_differ(dirty: Pages, clean: Pages) -> None:
    for names in by_text(clean):
        pairs = [(a, b) for a in names for b in names if a < b]
        assert all(difference(dirty[a], dirty[b]) > 0.03 for a, b in pairs)


def test_brightest_pixels_of_other_pages_reveal_the_paper(dirty: Pages, clean: Pages) -> None:
    for names in by_paper(dirty, by_text(clean)[0]):
        for name in names:
            # A paper's lower part is known from its tall pages alone: compare the upper part.
            others = [dirty[n][:258] for n in names if n != name]
            paper = np.max(others, axis=0).astype(int)
            gaps = np.abs(dirty[name][:258] - paper)[clean[name][:258] == 255]
            assert np.mean(gaps <= 6) > 0.95


def test_test_pages_have_the_papers_of_training_pages(
    dirty: Pages, clean: Pages, test: Pages
) -> None:
    papers = [
        np.max([dirty[n][:258] for n in names], axis=0)
        for names in by_paper(dirty, by_text(clean)[0])
    ]
    for page in test.values():
        gaps = sorted(float(np.median(np.abs(page[:258].astype(int) - p))) for p in papers)
        assert gaps[0] <= 3
        assert gaps[1] > gaps[0] + 1


def test_texts_of_the_test_pages_are_their_own(dirty: Pages, clean: Pages, test: Pages) -> None:
    """Every training target puts ink where the test page has none, and the reverse."""
    for page in test.values():
        for target in clean.values():
            if target.shape == page.shape:
                assert page[target < 32].mean() > 100


def test_ink_of_a_dirty_page_is_where_its_own_text_is(dirty: Pages, clean: Pages) -> None:
    """The contrast that makes the test above able to fail."""
    assert all(page[clean[name] < 32].mean() < 60 for name, page in dirty.items())


def test_defaults_draw_four_noises_and_both_sizes_of_test_pages(tmp_path: Path) -> None:
    draw_pages(tmp_path, np.random.default_rng(0))
    texts = by_text(read(tmp_path / "train_cleaned"))
    assert [len(names) for names in texts] == [4] * 6
    assert sorted(p.shape[0] for p in read(tmp_path / "test").values()) == [258, 258, 420, 420]


@pytest.mark.parametrize("sizes", [{"noises": 5}, {"noises": 0}, {"texts": 99}])
def test_impossible_sizes_are_refused_before_anything_is_written(
    tmp_path: Path, sizes: dict[str, int]
) -> None:
    with pytest.raises(ValueError, match="noises"):
        draw_pages(tmp_path, np.random.default_rng(0), **sizes)
    assert not any(tmp_path.iterdir())
