"""Pages in tiles: every pixel predicted, and seams that do not show."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from comp.inference.tiles import predict_in_tiles, tile_starts

quick = settings(max_examples=60, deadline=None)


@pytest.mark.parametrize(
    ("length", "size", "overlap", "expected"),
    [
        (10, 10, 3, [0]),
        (7, 10, 3, [0]),
        (11, 10, 3, [0, 1]),
        (17, 10, 3, [0, 7]),
        (18, 10, 3, [0, 4, 8]),
        (30, 10, 0, [0, 10, 20]),
        (31, 10, 0, [0, 7, 14, 21]),
        (6, 4, 99, [0, 2]),
    ],
)
def test_where_tiles_begin(length: int, size: int, overlap: int, expected: list[int]) -> None:
    assert tile_starts(length, size, overlap) == expected


@quick
@given(st.integers(1, 300), st.integers(1, 90), st.integers(0, 100))
def test_tiles_cover_every_pixel_and_share_the_overlap_or_half_a_tile(
    length: int, size: int, overlap: int
) -> None:
    found = tile_starts(length, size, overlap)
    assert found[0] == 0
    assert max(found) + size >= length
    assert found == sorted(set(found))
    for left, right in pairwise(found):
        assert left + size - right >= min(overlap, size // 2)
    if length > size:
        assert found[-1] + size == length


@quick
@given(st.integers(1, 60), st.integers(1, 60), st.integers(4, 40), st.integers(0, 50))
def test_the_identity_gives_the_image_back(
    height: int, width: int, size: int, overlap: int
) -> None:
    image = torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(height))
    out = predict_in_tiles(lambda tile: tile, image, size, overlap)
    assert out.shape == image.shape
    assert torch.allclose(out, image, atol=1e-5)


def test_no_tile_is_larger_than_asked_for_and_all_have_one_size() -> None:
    seen = []

    def predict(tile: torch.Tensor) -> torch.Tensor:
        seen.append(tuple(tile.shape))
        return tile[:, :1]

    out = predict_in_tiles(predict, torch.rand(1, 2, 45, 30), 20, 5)
    assert out.shape == (1, 1, 45, 30)
    assert set(seen) == {(1, 2, 20, 20)}
    assert len(seen) == 3 * 2


def test_a_page_that_is_long_one_way_only_is_cut_that_way_only() -> None:
    seen = []

    def predict(tile: torch.Tensor) -> torch.Tensor:
        seen.append(tuple(tile.shape[-2:]))
        return tile

    predict_in_tiles(predict, torch.rand(1, 1, 12, 50), 20, 10)
    assert seen == [(12, 20)] * 4


def test_a_page_no_larger_than_a_tile_goes_through_in_one_piece() -> None:
    image = torch.rand(1, 1, 20, 20)
    out = torch.rand(1, 1, 20, 20)
    assert predict_in_tiles(lambda tile: out, image, 20, 8) is out


def test_neighbours_fade_linearly_into_each_other() -> None:
    tiles = iter([0.0, 1.0])
    out = predict_in_tiles(
        lambda tile: torch.full_like(tile, next(tiles)), torch.rand(1, 1, 4, 12), 8, 4
    )
    row = [0.0] * 4 + [1 / 5, 2 / 5, 3 / 5, 4 / 5] + [1.0] * 4
    assert torch.allclose(out, torch.tensor(row).expand(1, 1, 4, 12))


def test_fading_works_down_the_page_too() -> None:
    tiles = iter([0.0, 1.0])
    out = predict_in_tiles(
        lambda tile: torch.full_like(tile, next(tiles)), torch.rand(1, 1, 12, 4), 8, 4
    )
    column = torch.tensor([0.0] * 4 + [1 / 5, 2 / 5, 3 / 5, 4 / 5] + [1.0] * 4)
    assert torch.allclose(out[0, 0, :, 2], column)


def test_a_convolution_that_sees_less_than_the_overlap_leaves_faint_seams_only() -> None:
    image = torch.rand(1, 1, 70, 90, generator=torch.Generator().manual_seed(0))

    def blur(page: torch.Tensor) -> torch.Tensor:
        padded = F.pad(page, (2, 2, 2, 2), mode="replicate")
        return F.avg_pool2d(padded, 5, stride=1)

    whole = blur(image)
    tiled = predict_in_tiles(blur, image, 40, 16)
    hard = predict_in_tiles(blur, image, 40, 0)
    assert (tiled - whole).abs().max() < 0.06 < (hard - whole).abs().max()
    assert (tiled - whole).abs().mean() < 2e-3
    assert torch.allclose(tiled[..., :14, :16], whole[..., :14, :16], atol=1e-6)


def test_the_dtype_of_the_predictions_stays() -> None:
    image = torch.rand(1, 1, 30, 30)
    assert predict_in_tiles(lambda tile: tile.double(), image, 16, 4).dtype == torch.float64


@pytest.mark.gpu
def test_tiles_stay_on_the_gpu() -> None:
    image = torch.rand(1, 1, 50, 40, device="cuda")
    out = predict_in_tiles(lambda tile: tile, image, 16, 4)
    assert out.device == image.device
    assert torch.allclose(out, image, atol=1e-5)
